# Prints C sources without what a compiler does not see: comments become blanks, the inside of string and character literals is
# dropped. Lines keep their numbers, printed as FILE:LINE:TEXT. With -v strings=1 the literals stay (for #include "...").
# It does not know trigraphs or line-spliced comments.
FNR == 1 {
    comment = 0
}

{
    out = ""
    len = length($0)
    quote = ""
    for (i = 1; i <= len; i++) {
        c = substr($0, i, 1)
        two = substr($0, i, 2)
        if (comment) {
            if (two == "*/") {
                comment = 0
                i++
            }
        } else if (quote != "") {
            if (c == "\\") {
                out = out (strings ? two : "")
                i++
                continue
            }
            if (c == quote)
                quote = ""
            if (strings || quote == "")
                out = out c
        } else if (two == "/*") {
            comment = 1
            out = out " "
            i++
        } else if (two == "//") {
            break
        } else {
            if (c == "\"" || c == "'")
                quote = c
            out = out c
        }
    }
    print FILENAME ":" FNR ":" out
}
