#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Puts faults into the core, one at a time, and asks whether the simulator finds each within a minute.

`./dev simulate-mutants [NAME…]`. Each mutant replaces one text in one source; only that source is compiled anew, and
linked before the library that has the true one. Exit code 1 where one survives, or where its text is not there any more.
"""

import dataclasses
import json
import pathlib
import re
import shlex
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "simulate"
RUNTIME = ROOT / "rococo_svchost" / "runtime"
SCHEDULING = ROOT / "rococo_svchost" / "scheduling"
CHILDREN = ROOT / "rococo_svchost" / "processors" / "child"
SECONDS = 60


@dataclasses.dataclass
class Mutant:
    name: str
    file: str
    old: str
    new: str
    folder: pathlib.Path = RUNTIME


def schedule_mutant(name, file, old, new):
    return Mutant(name, file, old, new, SCHEDULING)


def child_mutant(name, file, old, new):
    return Mutant(name, file, old, new, CHILDREN)


MUTANTS = [
    Mutant("failures are acknowledged", "dispatcher.cpp", "if (outcome.kind != Outcome::Kind::ok) {\n        verdict = judge",
           "if (outcome.kind == Outcome::Kind::permanent) {\n        verdict = judge"),
    Mutant("a settled event is lost", "dispatcher.cpp",
           "for (const Events::Settled& event : events_.settled) note_settled(event);",
           "for (std::size_t i = 1; i < events_.settled.size(); ++i) note_settled(events_.settled[i]);"),
    Mutant("the state of the connection is not kept", "dispatcher_reports.cpp",
           "connection_ = std::move(events_.states.back());", ""),
    Mutant("the first of several states is kept", "dispatcher_reports.cpp", "events_.states.back()",
           "events_.states.front()"),
    Mutant("the hold is forgotten", "dispatcher.cpp", "paused_ || held_until_ || drain_", "paused_ || drain_"),
    Mutant("the hold never ends", "dispatcher.cpp", "paused_ || held_until_ || drain_", "true"),
    Mutant("a pause begins what waits", "dispatcher.cpp", "paused_ || held_until_ || drain_", "held_until_ || drain_"),
    Mutant("a pause fetches more", "dispatcher.cpp", "parts_.adapter.pause();", ";"),
    Mutant("a pause does not end", "dispatcher.cpp", "parts_.adapter.resume();", ";"),
    Mutant("a failure is counted as a success", "verdicts.cpp", "return Cause::max_attempts;\n    return outcome",
           "return Cause::ok;\n    return outcome"),
    Mutant("a crash counts twice", "dispatcher.cpp", "job.begun_before = record.uncounted(delivery->attempt);",
           "job.begun_before = 2 * record.uncounted(delivery->attempt);"),
    Mutant("a crash counts for nothing", "dispatcher.cpp", "job.begun_before = record.uncounted(delivery->attempt);", ""),
    Mutant("a crash counts in a retry again", "dispatcher.cpp", "record.uncounted(delivery->attempt)", "record.crashes"),
    Mutant("suspects are forgotten", "dispatcher.cpp", "job.suspect = record.suspect;", ""),
    Mutant("who must be alone is not", "dispatcher.cpp", "job.alone = record.alone;", ""),
    Mutant("a redelivery does not wait for the call before", "dispatcher.cpp",
           "if (lost_.being_processed(identity)) {", "if (false) {"),
    Mutant("a known verdict is not applied", "dispatcher.cpp", "if (!verdict) return false;", "return false;"),
    Mutant("what comes back while it is processed is forgotten", "dispatcher.cpp",
           "returned_.push_back(std::move(delivery));\n        return true;", "delivery.reset();\n        return true;"),
    Mutant("jobs that were lost are begun", "dispatcher.cpp", "auto taken = parts_.workers.take_back(numbers);",
           "auto taken = parts_.workers.take_back({});"),
    Mutant("a drain goes on with what waits", "dispatcher_drain.cpp", "for (Job& job : parts_.workers.take_back())",
           "for (Job& job : std::vector<Job>{})"),
    Mutant("a drain has no end", "dispatcher_drain.cpp", "if (now >= drain_->deadline) {", "if (false) {"),
    Mutant("a drain ends with verdicts on their way", "dispatcher_drain.cpp",
           "if (idle && parts_.adapter.unsettled() == 0) {", "if (parts_.adapter.unsettled() == 0) {"),
    Mutant("finished with work in hand", "dispatcher.cpp",
           "if (parts_.workers.in_hand() > 0 || parts_.adapter.unsettled() > 0) return false;", ""),
    Mutant("verdicts are handed over one too few", "dispatcher.cpp",
           "for (FinishedJob& finished : harvest_.jobs) {",
           "if (harvest_.jobs.size() == 3) harvest_.jobs.pop_back();\n    for (FinishedJob& finished : harvest_.jobs) {"),
    Mutant("the adapter is not limited at first", "dispatcher.cpp", "lost_(parts_.clock) {\n    limit_adapter();",
           "lost_(parts_.clock) {"),
    Mutant("crashes are remembered after the verdict", "dispatcher.cpp",
           "if (parts_.notes != nullptr) parts_.notes->forget(unsafe.identity);", ""),
    Mutant("the dead are looked for at the start only", "dispatcher.cpp", "parts_.notes->take_in_the_dead();", ";"),
    Mutant("a suspect in a batch", "job_board.cpp",
           "!hand.jobs.back().suspect && !ready_.front().suspect", "true"),
    Mutant("others beside one that must be alone", "job_board.cpp",
           "if (held_ || ready_.empty() || alone_running_) return false;", "if (held_ || ready_.empty()) return false;"),
    Mutant("one that must be alone beside others", "job_board.cpp",
           "return !ready_.front().alone || running_ == 0;", "return true;"),
    Mutant("what is taken back still counts", "job_board.cpp",
           "ready_.clear();\n    in_hand_ -= jobs.size();", "ready_.clear();"),
    Mutant("idle workers are not called", "job_board.cpp", "if (!held_) call_up(workers_wanted());", ""),
    Mutant("a stall is not seen", "job_board.cpp", "now - last_progress_ >= kStalled && waking_ == 0 && may_begin()",
           "false"),
    Mutant("the dispatcher is not woken", "job_board.cpp", "wake_due_ = wake_pending_ = true;", "wake_pending_ = true;"),
    Mutant("a lost job is not marked", "job_board.cpp", "job.lost = true;", ""),
    Mutant("a call past PROCESS_TIMEOUT is not told", "job_board.cpp", "long_calls_.push_back(describe(worker, now));\n    hand",
           "return;\n    hand"),
    Mutant("one attempt too many", "retry_policy.cpp", "attempt >= policy.max_attempts", "attempt > policy.max_attempts"),
    Mutant("one attempt too few", "retry_policy.cpp", "attempt >= policy.max_attempts",
           "attempt + 1 >= policy.max_attempts"),
    Mutant("a permanent error is tried again", "retry_policy.cpp", "outcome.kind == Outcome::Kind::permanent", "false"),
    Mutant("no delay", "retry_policy.cpp", ": policy.delay_after(attempt, random);", ": std::chrono::milliseconds{};"),
    Mutant("a processor's own delay is ignored", "retry_policy.cpp",
           "outcome.kind == Outcome::Kind::retry_after", "false"),
    Mutant("all in hand are charged", "inquest.cpp", "inquest.accused.size() == 1", "!inquest.accused.empty()"),
    Mutant("a host that was asked to end charges", "inquest.cpp",
           "if (dead.ending_on_purpose && !dead.blamed) return inquest;", ""),
    Mutant("a named death accuses everybody", "inquest.cpp", "return note.worker != *dead.blamed;", "return false;"),
    Mutant("verdicts are kept twice", "lost_deliveries.cpp", "return std::exchange(found->second.verdict, std::nullopt);",
           "return found->second.verdict.has_value() ? std::optional<messaging::Settlement>(messaging::Settlement{}) : "
           "std::nullopt;"),
    Mutant("a call that was lost never ends", "lost_deliveries.cpp",
           "if (memory.being_processed > 0) --memory.being_processed;", ""),
    schedule_mutant("a run is not claimed", "schedule_driver.cpp", "if (!leadership_.must_claim(run)) return start(run);",
                    "return start(run);"),
    schedule_mutant("a refused run is started", "schedule_driver.cpp",
                    "if (leadership_.claimed(claimed, now.steady)) return start(run);",
                    "(void)leadership_.claimed(claimed, now.steady); return start(run);"),
    schedule_mutant("a new leader begins anew", "schedule_driver.cpp",
                    "start_scheduler(now, last->value_or(before(started_at_)));", "start_scheduler(now, now.wall);"),
    schedule_mutant("a former leader goes on", "schedule_driver.cpp", "scheduler_.reset();", ""),
    schedule_mutant("runs of two terms have one number", "schedule_driver.cpp", "last_id_ = scheduler_->last_id();", ""),
    schedule_mutant("a drain has no end for a schedule", "schedule_driver.cpp", "if (now >= drain_->deadline) {",
                    "if (false) {"),
    schedule_mutant("a drain asks nobody to end", "schedule_driver.cpp",
                    "now >= drain_->cancel_at && !std::exchange(drain_->cancelled, true)",
                    "now >= drain_->cancel_at && std::exchange(drain_->cancelled, true)"),
    schedule_mutant("a drain starts what is due", "schedule_driver.cpp", "if (scheduler_) scheduler_->stop();", ""),
    schedule_mutant("a drain leaves runs behind", "schedule_driver.cpp", "if (!runs_.empty()) return;\n    if (drain_)",
                    "if (drain_)"),
    schedule_mutant("what is in hand is on record", "scheduler.cpp",
                    "if (run.reason != RunReason::startup) unsettled(run.due);", "(void)run;"),
    schedule_mutant("the record is not read", "schedule_driver.cpp", "settled_through = record->settled_through;", ""),
    schedule_mutant("the record's intervals begin anew", "schedule_driver.cpp", "count_from(record->phase);", ""),
    schedule_mutant("claims before the clock was set back count", "schedule_driver.cpp",
                    "if (back) leadership_.clock_was_set_back();", ""),
    schedule_mutant("leadership is not renewed", "leadership.cpp",
                    "next_look_ = now + election_->interval * (1U << doublings);",
                    "next_look_ = leading ? SteadyTime::max() : now + election_->interval;"),
    schedule_mutant("misfires are forgotten", "scheduler.cpp",
                    "if (options_.misfire == MisfirePolicy::once) make_up_for(latest, actions);", "(void)latest;"),
    schedule_mutant("runs overlap", "scheduler.cpp",
                    "options_.overlap == OverlapPolicy::allow ? !makes_up_in_hand() : runs_.empty();", "true;"),
    Mutant("the page is not asked", "inquest.cpp", "return note.worker == worker && (", "return false && ("),
    Mutant("what has ended is accused", "inquest.cpp", "number <= work.done || ", ""),
    Mutant("what was not begun is accused", "inquest.cpp", " || number > work.begun", ""),
    Mutant("what is given back is forgotten", "job_board.cpp",
           "ready_.insert(ready_.begin(), std::make_move_iterator(first),\n                  std::make_move_iterator(jobs.end()));",
           "in_hand_ -= count;"),
    Mutant("nobody is called for what is given back", "job_board.cpp",
           "if (may_begin()) call_up(running_ + ready_.size());\n}", "}"),
    Mutant("a suspect in a window", "job_board.cpp",
           "if (hand.jobs.back().suspect || ready_.front().suspect) return false;", ""),
    child_mutant("a death charges the whole window", "child_window.cpp",
                 "const std::size_t begun = std::min(up_to(last_seen.begun), kept_);", "const std::size_t begun = kept_;"),
    child_mutant("a death charges nobody", "child_window.cpp",
                 "const std::size_t begun = std::min(up_to(last_seen.begun), kept_);", "const std::size_t begun = ended_;"),
    child_mutant("a death acknowledges what was begun", "child_window.cpp",
                 "if (!failed_[ended_]) outcomes_[ended_] = {Outcome::Kind::failed, {}, error};", ""),
    child_mutant("a death overwrites what had failed", "child_window.cpp", "if (!failed_[ended_]) outcomes_", "outcomes_"),
    child_mutant("a death forgets what had ended", "child_window.cpp",
                 "ended_ = std::max(ended_, std::min(up_to(last_seen.done), kept_));\n    const", "const"),
    child_mutant("a death keeps what was not begun", "child_window.cpp",
                 "    give_back_from(ended_);\n    over_ = true;", "    ended_ = kept_;\n    over_ = true;"),
    child_mutant("a page that cannot be is believed at a death", "child_window.cpp",
                 "is_believable(progress) ? progress : seen_;", "progress;"),
    child_mutant("retraction without the wait", "child_window.cpp", "kSeenByAll{1}", "kSeenByAll{0}"),
    child_mutant("a retraction forgets to give back", "child_window.cpp",
                 "    give_back_from(up_to(progress.begun));", ""),
    child_mutant("a retraction gives back what is begun", "child_window.cpp", "give_back_from(up_to(progress.begun));",
                 "give_back_from(up_to(progress.begun) - 1);"),
    child_mutant("a retraction never ends", "child_window.cpp",
                 "retraction_ == Retraction::asked && now >= retracting_since_ + kSeenByAll", "false"),
    child_mutant("nothing is retracted", "child_window.cpp", "kept_ > up_to(seen_.begun))", "false)"),
    child_mutant("the page is not told of a retraction", "child_call.cpp",
                 "peer_.retract(peer_.progress().begun, window_.last());", ""),
    child_mutant("a retraction spares the last", "child_call.cpp", "peer_.progress().begun, window_.last());",
                 "peer_.progress().begun, window_.last() - 1);"),
    child_mutant("what is returned is kept", "child_window.cpp", "    give_back_from(up_to(seq) - 1);\n    return true;",
                 "    return true;"),
    child_mutant("a window is over too early", "child_window.cpp",
                 "    ended_ = std::max(ended_, std::min(up_to(progress.done), kept_));\n    return true;",
                 "    ended_ = std::max(ended_, std::min(up_to(progress.done), kept_));\n    over_ = ended_ == kept_;\n"
                 "    return true;"),
    child_mutant("a window is never over", "child_window.cpp", "over_ = seq == last();", ""),
    child_mutant("the timeout counts from the window's start", "child_window.cpp",
                 "now >= moved_at_ + timeout_;\n}\n\nbool ChildWindow::is_nearly",
                 "now >= given_at_ + timeout_;\n}\n\nbool ChildWindow::is_nearly"),
    child_mutant("the timeout never passes", "child_window.cpp", "return timeout_.count() != 0 && now >= moved_at_ + timeout_;",
                 "return false;"),
    child_mutant("killed without being asked for its stack", "child_window.cpp",
                 "if (stack_asked_at_ == SteadyTime::max()) return Step::ask_for_stack;",
                 "return Step::kill;"),
    child_mutant("cancelled() never comes true", "child_call.cpp",
                 "if (cancelled || window_.is_nearly_overdue(now)) peer_.set_cancelled(true);", ""),
    child_mutant("done beyond begun is accepted", "child_window.cpp", "progress.begun >= progress.done && ", ""),
    child_mutant("begun beyond the window is accepted", "child_window.cpp", " && progress.begun <= last();", ";"),
    child_mutant("DONE is believed without the page", "child_window.cpp",
                 "if (!is_believable(page) || page.done < seq) return false;", ""),
    child_mutant("a failure is taken for a success", "child_window.cpp", "outcomes_[i] = outcome;", ""),
    child_mutant("all that fails fails alike", "child_call.cpp", 'kind == "permanent" ? Outcome::Kind::permanent',
                 'kind == "permanent" ? Outcome::Kind::failed'),
    child_mutant("the page is read after what was said", "child_call.cpp",
                 "const ChildProgress progress = peer_.progress();\n    const bool open = peer_.read();\n"
                 "    if (!take_all()) return false;",
                 "const bool open = peer_.read();\n    if (!take_all()) return false;\n"
                 "    const ChildProgress progress = peer_.progress();"),
    child_mutant("the end of the connection is trusted", "child_call.cpp", "if (const auto how = peer_.end()) bury(*how);",
                 "if (const auto how = peer_.read() ? std::nullopt : peer_.end()) bury(*how);"),
    child_mutant("a closed connection is no matter", "child_call.cpp", "if (open || peer_.end_within(kDeath)) return true;",
                 "return true;"),
    child_mutant("the last words are not heard", "child_call.cpp", "    (void)listen();\n", ""),
    child_mutant("a liar goes on", "child_call.cpp", "if (!good) peer_.kill();", ""),
    child_mutant("what goes back is told at the end", "child_call.cpp", "give_back();\n    const std::size_t ended",
                 "const std::size_t ended"),
]


def output_of(command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)


def compile_commands():
    return {pathlib.Path(entry["file"]).resolve(): entry
            for entry in json.loads((BUILD / "compile_commands.json").read_text())}


def link_command():
    """How the simulator is linked, from Ninja."""
    lines = output_of(["ninja", "-C", BUILD, "-t", "commands", "simulate"]).stdout.splitlines()
    return next(line for line in reversed(lines) if "-o tests/simulator/simulate " in line)


def build(mutant, commands, link):
    """The simulator with this fault; none where the text to replace is gone."""
    source = mutant.folder / mutant.file
    text = source.read_text()
    if text.count(mutant.old) != 1:
        return None
    folder = BUILD / "mutants" / re.sub(r"\W+", "-", mutant.name)
    folder.mkdir(parents=True, exist_ok=True)
    changed, thing, program = folder / mutant.file, folder / "mutant.o", folder / "simulate"
    changed.write_text(text.replace(mutant.old, mutant.new))
    entry = commands[source]
    words = shlex.split(entry["command"])
    words[words.index("-o") + 1] = str(thing)
    words[words.index("-c") + 1] = str(changed)
    words.insert(1, f"-I{mutant.folder}")
    words = [word for word in words if word != "-Werror"]
    done = output_of(words, cwd=entry["directory"])
    if done.returncode != 0:
        sys.exit(f"{mutant.name}: does not compile\n{done.stdout}")
    # Before the library: of two definitions the linker takes the first.
    linked = link.replace("-o tests/simulator/simulate ", f"{shlex.quote(str(thing))} -o {shlex.quote(str(program))} ")
    done = output_of(linked, cwd=BUILD, shell=True)
    if done.returncode != 0:
        sys.exit(f"{mutant.name}: does not link\n{done.stdout}")
    return program


def main():
    chosen = [mutant for mutant in MUTANTS if len(sys.argv) == 1 or any(word in mutant.name for word in sys.argv[1:])]
    commands, link = compile_commands(), link_command()
    survivors = 0
    for mutant in chosen:
        program = build(mutant, commands, link)
        if program is None:
            print(f"GONE      {mutant.name}: its text is not once in {mutant.file}", flush=True)
            survivors += 1
            continue
        begun = time.monotonic()
        try:
            done = output_of([program, str(SECONDS / 60), "1"], timeout=SECONDS + 120)
        except subprocess.TimeoutExpired:
            print(f"HANGS     {mutant.name}", flush=True)
            continue
        found = [line for line in done.stdout.splitlines() if line.startswith("FOUND: ")]
        (program.parent / "story").write_text(done.stdout)
        took = time.monotonic() - begun
        if done.returncode == 0:
            print(f"SURVIVES  {mutant.name}", flush=True)
            survivors += 1
        else:
            print(f"found     {mutant.name} ({took:.1f} s): {found[0][7:] if found else 'it crashes'}", flush=True)
    print(f"\n{len(chosen) - survivors} passed, {survivors} failed (mutants)")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
