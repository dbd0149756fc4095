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


MUTANTS = [
    Mutant("failures are acknowledged", "dispatcher.cpp", "if (outcome.kind != Outcome::Kind::ok) {\n        verdict = judge",
           "if (outcome.kind == Outcome::Kind::permanent) {\n        verdict = judge"),
    Mutant("a settled event is lost", "dispatcher.cpp",
           "for (const Events::Settled& event : events_.settled) note_settled(event);",
           "for (std::size_t i = 1; i < events_.settled.size(); ++i) note_settled(events_.settled[i]);"),
    Mutant("the state of the connection is not kept", "dispatcher.cpp",
           "if (!events_.states.empty()) connection_ = std::move(events_.states.back());", ""),
    Mutant("the first of several states is kept", "dispatcher.cpp", "events_.states.back()", "events_.states.front()"),
    Mutant("the hold is forgotten", "dispatcher.cpp", "parts_.workers.hold(true);", ""),
    Mutant("the hold never ends", "dispatcher.cpp", "parts_.workers.hold(false);", ""),
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
    Mutant("a drain goes on with what waits", "dispatcher.cpp", "for (Job& job : parts_.workers.take_back())",
           "for (Job& job : std::vector<Job>{})"),
    Mutant("a drain has no end", "dispatcher.cpp", "if (now >= drain_->deadline) {", "if (false) {"),
    Mutant("a drain ends with verdicts on their way", "dispatcher.cpp",
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
