# Judges what one test program printed (TAP), for run.sh.  awk -v name=test_x -v status=0 -f tests/tap.awk LOG
#
# Prints "skip NAME: REASON" for each skip and "fault NAME: ..." for each thing that is wrong with the run as a whole, then
# "count PASSED FAILED SKIPPED". Each fault counts as one failed test. A program may print several plans, one after the other
# (a cmocka program with several groups), each followed by its results. A skip must have a reason: the text after "# SKIP", or,
# as cmocka has none there, the last line that the test printed before it.
function fault(text)
{
    print "fault " name ": " text
    failed++
}

# ends the current group: were there as many results as planned?
function close_plan()
{
    if (planned >= 0 && seen != planned)
        fault("planned " planned " tests, saw " seen " results")
    else if (planned < 0 && seen > 0)
        fault(seen " results without a plan")
    seen = 0
}

# cmocka: "not ok 2 # SKIP NAME", the reason is what the test printed; others: "ok 2 - NAME # SKIP REASON"
function skip(line, what, reason)
{
    what = line
    sub(/^((not )?ok|1\.\.0) *[0-9]* *-? */, "", what)
    reason = what
    sub(/ *#.*/, "", what)
    sub(/^.*# *[Ss][Kk][Ii][Pp][^ ]* *:? */, "", reason)
    if (what == "" && line ~ /^not ok/) {
        what = reason
        reason = said
    }
    if (reason == "") {
        fault("skipped without a reason (print one line before skipping): " what)
        return
    }
    skipped++
    print "skip " name ": " (what == "" ? "" : what ": ") reason
}

BEGIN {
    planned = -1
    passed = failed = skipped = seen = plans = trailing = 0
}

/^1\.\.[0-9]+/ {
    if (plans == 0 && seen > 0) # a plan at the end covers what came before it
        trailing = 1
    else
        close_plan()
    planned = substr($1, 4) + 0
    plans++
    if ($0 ~ /# *[Ss][Kk][Ii][Pp]/ && planned == 0)
        skip($0)
    next
}

/^(not )?ok([ \t]|$)/ {
    if (trailing)
        fault("a result after the final plan: " $0)
    seen++
    if ($0 ~ /# *[Ss][Kk][Ii][Pp]/)
        skip($0)
    else if ($1 == "not")
        failed++
    else
        passed++
    said = ""
    next
}

/^Bail out!/ {
    fault($0)
    next
}

{
    line = $0
    sub(/^[# \t]+/, "", line)
    if (line != "" && line !~ /^(ok|not ok) - /) # not the line that closes a cmocka group
        said = line
}

END {
    close_plan()
    if (plans == 0)
        fault("printed no plan")
    if (status == 124 || status == 137)
        fault("timed out or was killed (status " status ")")
    else if (status > 128)
        fault("died of signal " (status - 128))
    else if (status != 0 && failed == 0)
        fault("exit status " status " although no test failed")
    else if (status == 0 && failed > 0)
        print "note " name ": exit status 0 although a test failed"
    print "count " passed + 0, failed + 0, skipped + 0
}
