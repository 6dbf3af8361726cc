# Runs one file of Redis's own tests against a server that is not Redis. The file's tests stay as they are; this replaces what
# runs them: each test is caught by itself, and so is each command between tests, so that the file continues after a command
# that the server lacks.
#
#   tclsh wrapper.tcl HOST PORT FILE [-with-tag TAG]... [-without-test NAME]...
#
# The current directory is that of Redis's source. Prints one line for each test: outcome, name and detail with tabs between
# them. Outcomes: pass, fail, unsupported (failed after a command that the server does not have; detail names it), skipped.

# The functions of the test helper without its main program, which parses arguments and starts servers.
set helper [open tests/test_helper.tcl]
set source [read $helper]
close $helper
set mainAt [string first "# parse arguments" $source]
if {$mainAt < 0} { error "Cannot find the main program of tests/test_helper.tcl" }
set functionsAt [string first "proc attach_to_replication_stream" $source]
set endAt [string first "proc is_a_slow_computer" $source]
eval [string range $source 0 $mainAt-1]
eval [string range $source $functionsAt $endAt-1]

set ::external 1
set ::singledb 1
lassign $argv ::host ::port ::curfile
# Their tests use DEBUG or a second server.
set ::denytags {needs:debug needs:repl}
# Tags of external mode that are served here all the same.
set ::withtags {}
set ::withouttests {}
foreach {option value} [lrange $argv 3 end] {
    switch -- $option {
        -with-tag { lappend ::withtags $value }
        -without-test { lappend ::withouttests $value }
        default { error "Unknown option $option" }
    }
}
set ::test_server_fd none
fconfigure stdout -buffering line -encoding utf-8

# Commands that the server did not have, since the present test began.
set ::missing {}

proc one_line {text} {
    string map {"\n" {\n} "\r" {\r} "\t" {\t}} $text
}

proc report {outcome name {detail ""}} {
    puts "$outcome\t[one_line $name]\t[one_line [string range $detail 0 400]]"
}

# Packets went to the process that showed results. Only a group of tests is told of by one here.
proc send_data_packet {channel status data {elapsed 0}} {
    if {$status eq "ignore"} { report skipped "(group of tests)" $data }
}

# Notes the first words of what the server does not have; the reply says which.
proc note_missing {reply} {
    if {[regexp {^ERR unknown command '([^']*)'} $reply -> name]} {
        lappend ::missing [string toupper $name]
    } elseif {[regexp {^ERR unknown subcommand '([^']*)'. Try ([A-Z]*) HELP} $reply -> subcommand name]} {
        lappend ::missing "$name [string toupper $subcommand]"
    } elseif {[string match "ERR *settings are flags*" $reply]} {
        lappend ::missing "CONFIG SET"
    }
}

rename ::redis::redis_read_reply ::redis::original_read_reply
proc ::redis::redis_read_reply {id fd} {
    if {[catch {::redis::original_read_reply $id $fd} reply]} {
        note_missing $reply
        return -code error $reply
    }
    # A client that reads raw lines gets the error as one.
    if {[string match "-ERR *" $reply]} { note_missing [string range $reply 1 end] }
    return $reply
}

proc tag_problem {tags} {
    foreach tag $tags {
        if {[lsearch -exact $::withtags $tag] >= 0} continue
        if {$tag eq "external:skip" || $tag eq "singledb:skip" || $tag eq "large-memory"} { return $tag }
        if {[lsearch -exact $::denytags $tag] >= 0} { return $tag }
    }
    return ""
}

proc tags_acceptable {tags errorVariable} {
    upvar $errorVariable problem
    set problem [tag_problem $tags]
    expr {$problem eq ""}
}

proc test {name code {okpattern undefined} {tags {}}} {
    set problem [tag_problem [concat $::tags $tags]]
    if {$problem eq "" && [lsearch -exact $::withouttests $name] >= 0} { set problem "left out" }
    if {$problem ne ""} {
        report skipped $name $problem
        return
    }
    puts "begin\t[one_line $name]\t"
    set ::missing {}
    set detail ""
    set depth [llength $::servers]
    if {[catch {set value [uplevel 1 $code]} error]} {
        set detail $error
    } elseif {$okpattern ne "undefined" && $okpattern ne $value && ![string match $okpattern $value]} {
        set detail "Expected '$okpattern' to equal or match '$value'"
    } else {
        report pass $name
        return
    }
    if {[llength $::missing] > 0} {
        report unsupported $name [join [lsort -unique $::missing] ", "]
    } else {
        report fail $name $detail
    }
    # A server that a test left on the stack, an open MULTI, a reply half read: the next test begins without them.
    set ::servers [lrange $::servers 0 [expr {$depth - 1}]]
    catch { reconnect }
}

# Runs a block command by command, so that what fails ends itself alone.
proc run_each {level code} {
    set command ""
    foreach line [split $code "\n"] {
        append command $line "\n"
        if {![info complete $command]} continue
        if {[string trim $command] ne "" && [catch {uplevel $level $command} error]} {
            report fail "(between tests)" "[string trim [lindex [split [string trim $command] "\n"] 0]]: $error"
        }
        set command ""
    }
    if {[string trim $command] ne ""} { error "A block ends within a command: $command" }
}

proc run_external_server_test {code overrides} {
    set client [redis $::host $::port 0 0]
    lappend ::servers [dict create host $::host port $::port client $client config [dict create port $::port]]
    $client flushall
    foreach {name value} $overrides { catch { $client config set $name $value } }
    run_each "#[expr {[info level] - 2}]" $code
    set server [lpop ::servers]
    catch { [dict get $server client] close }
}

proc tags {tags code} {
    set tags [string map { \" "" } $tags]
    set ::tags [concat $::tags $tags]
    set problem [tag_problem $::tags]
    if {$problem ne ""} {
        report skipped "(group of tests)" $problem
    } else {
        run_each "#[expr {[info level] - 1}]" $code
    }
    set ::tags [lrange $::tags 0 end-[llength $tags]]
}

proc restart_server {args} { error "Cannot restart a server that this program did not start" }

# In the scope of a procedure, as the test helper has it: a file's variables are not the globals of the helper.
proc run_file {} {
    set handle [open $::curfile]
    set code [read $handle]
    close $handle
    run_each "#[info level]" $code
}

run_file
puts "end\t\t"
