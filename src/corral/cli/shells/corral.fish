# Completion of corral for fish. Try it: corral completion fish | source
function __corral_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l found ($words[1] __complete -- $words[2..-1] 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c corral -f -a '(__corral_complete)'
complete -c ollama -f -a '(__corral_complete)'
