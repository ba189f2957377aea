# Completion of corral for bash. Try it: source <(corral completion bash)
_corral() {
    local line="${COMP_LINE:0:COMP_POINT}" words word colons found
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    word="${words[-1]}"
    mapfile -t found < <("${words[0]}" __complete -- "${words[@]:1}" 2>/dev/null | cut -f1)
    # bash takes a colon for the end of a word: what stands before the last one is on the line already.
    colons="${word%"${word##*:}"}"
    COMPREPLY=("${found[@]#"$colons"}")
}
complete -o default -F _corral corral ollama
