#compdef corral ollama
# Completion of corral for zsh. Try it: source <(corral completion zsh)
_corral() {
    local value text
    local -a found
    while IFS=$'\t' read -r value text; do
        found+=("${value//:/\\:}:$text")
    done < <("${words[1]}" __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)
    if (( ${#found} )); then
        _describe corral found
    else
        _files
    fi
}
if [ "${funcstack[1]}" = _corral ]; then
    _corral "$@"
else
    compdef _corral corral ollama
fi
