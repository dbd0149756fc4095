// SPDX-License-Identifier: MIT
// Compares our next runs with those of the npm package cron-parser, for random expressions, zones
// and times. Usage: node compare.mjs PEER_RUNS MODULES_FOLDER [CASES] [SEED]
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';

const [peerRuns, modules, cases = '2000', seed = '20261124'] = process.argv.slice(2);
const require = createRequire(path.join(path.resolve(modules), 'package.json'));
const { CronExpressionParser } = require('cron-parser');

const kRuns = 12;
const [kFirstYear, kLastYear] = [2024, 2035];
const kZones = [
    'UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Africa/Cairo',
    'Asia/Kolkata', 'America/St_Johns', 'America/Santiago',
];
const kMostLeftOut = 2;

// Mulberry32: small, seeded, good enough to pick expressions.
let state = Number(seed) >>> 0;
function random() {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const between = (first, last) => first + Math.floor(random() * (last - first + 1));
const oneIn = (n) => between(1, n) === 1;
const pick = (list) => list[between(0, list.length - 1)];

/// Ranges, steps and values in ascending order without a value named twice, which the peer refuses.
function randomField(first, last, starIn, starStepIn) {
    if (oneIn(starIn)) return oneIn(starStepIn) ? `*/${between(2, 12)}` : '*';
    const items = [];
    let low = between(first, last);
    do {
        const high = between(low, Math.min(last, low + 12));
        items.push(pick([`${low}`, `${low}-${high}`, `${low}-${high}/${between(1, 9)}`]));
        low = high + between(1, 20);
    } while (low <= last && oneIn(2));
    return items.join(',');
}

const kMonths = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const kDays = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

function randomExpression() {
    const fields = [
        randomField(0, 59, 4, 2), randomField(0, 23, 3, 2), randomField(1, 31, 2, 8),
        randomField(1, 12, 2, 3), randomField(0, 6, 2, 8),
    ];
    if (oneIn(4)) fields.unshift(randomField(0, 59, 3, 2));
    const day = fields.length - 3;
    if (oneIn(12)) fields[day] = 'L';
    if (oneIn(12)) fields[day + 1] = pick(kMonths);
    if (oneIn(12)) fields[day + 2] = pick(kDays);
    if (oneIn(16)) fields[day + 2] = `${between(0, 6)}L`;
    if (oneIn(16)) fields[day + 2] = `${between(0, 6)}#${between(1, 5)}`;
    return fields.join(' ');
}

/// Half of the times lie within two days of a change of the zone's clock.
function randomStart(zone) {
    const start = Math.floor(Date.UTC(between(kFirstYear, kLastYear), between(0, 11), between(1, 28)) / 1000) +
        between(0, 86399);
    if (oneIn(2)) return start;
    for (let day = 0; day < 366; ++day) {
        const time = start + day * 86400;
        if (offsetAt(time, zone) !== offsetAt(time + 86400, zone)) return time - between(0, 86400);
    }
    return start;
}

const formats = new Map();
/// Seconds to add to UTC, by the peer's own zone data (ICU).
function offsetAt(time, zone) {
    if (!formats.has(zone)) {
        formats.set(zone, new Intl.DateTimeFormat('en-US', {
            timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric',
            hour: 'numeric', minute: 'numeric', second: 'numeric',
        }));
    }
    const part = Object.fromEntries(formats.get(zone).formatToParts(time * 1000)
        .map(({ type, value }) => [type, Number(value)]));
    return Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second) / 1000 -
        time;
}

/// The change of offset in [from, to], if there is one: [its moment, offset before, offset after].
function changesBetween(from, to, zone) {
    const found = [];
    for (let low = from; low < to; low += 86400) {
        const end = Math.min(low + 86400, to);
        if (offsetAt(low, zone) === offsetAt(end, zone)) continue;
        let [a, b] = [low, end];
        while (b - a > 1) {
            const middle = Math.floor((a + b) / 2);
            if (offsetAt(middle, zone) === offsetAt(low, zone)) a = middle; else b = middle;
        }
        found.push([b, offsetAt(a, zone), offsetAt(b, zone)]);
    }
    return found;
}

function peer(expression, zone, after) {
    const runs = [];
    try {
        const iterator = CronExpressionParser.parse(expression, { tz: zone, currentDate: new Date(after * 1000) });
        for (let i = 0; i < kRuns; ++i) runs.push(Math.round(iterator.next().getTime() / 1000));
    } catch (error) {
        return { runs, error: error.message };
    }
    return { runs };
}

/// The expression as the peer reads it: a day field that begins with a star and has a step restricts.
function withoutStarSteps(expression) {
    const fields = expression.split(' ');
    const day = fields.length - 3;
    fields[day] = fields[day].replace(/^\*\//, '1-31/');
    fields[day + 2] = fields[day + 2].replace(/^\*\//, '0-6/');
    return fields.join(' ');
}

/// Why both may differ, from the list in docs/SCHEDULES.md ("Compared with cron-parser"); empty
/// where nothing explains it.
function reason({ zone, after }, ours, theirs) {
    if (ours.error && theirs.error) return 'both refuse';
    if (theirs.error) return /loop limit|Out of the time/.test(theirs.error) ? 'the peer gives up' : '';
    if (ours.error) return '';
    // At most where the clock changes, and only there.
    const horizon = Math.min(ours.runs.at(-1), theirs.runs.at(-1));
    const different = [...new Set([...ours.runs, ...theirs.runs])].filter((time) =>
        time <= horizon && (!ours.runs.includes(time) || !theirs.runs.includes(time)));
    if (different.length === 0) return '';
    const changes = changesBetween(Math.min(...different) - 86400, horizon + 86400, zone);
    const nearChange = (time) => changes.some(([moment, before, now]) =>
        Math.abs(time - moment) <= Math.abs(now - before) + 3600);
    return different.every(nearChange) ? 'at a change of the clock' : '';
}

function ask(list) {
    const answer = spawnSync(peerRuns, {
        input: list.map(({ expression, zone, after, count = kRuns }) =>
            `${expression}\t${zone}\t${after}\t${count}\n`).join(''),
        encoding: 'utf8', maxBuffer: 1 << 28,
    });
    if (answer.status !== 0) {
        console.error(`${peerRuns} failed: ${answer.stderr}`);
        process.exit(1);
    }
    return answer.stdout.trimEnd().split('\n').map((line) => line.startsWith('error: ')
        ? { runs: [], error: line } : { runs: line.split(' ').map(Number) });
}

/// Whether both sides know the same clock: our runs at noon are at noon by the peer's zone data too. Node.js brings
/// data of its own, and governments change their minds: that of Debian 12 knows no summer time in Egypt.
function sameClock(zone) {
    const [first, last] = [Date.UTC(kFirstYear, 0, 1) / 1000, Date.UTC(kLastYear + 5, 0, 1) / 1000];
    const [{ runs }] = ask([{ expression: '0 12 * * *', zone, after: first, count: (last - first) / 86400 }]);
    return runs.length > 0 && runs.every((time) => (((time + offsetAt(time, zone)) % 86400) + 86400) % 86400 === 43200);
}
const zones = kZones.filter(sameClock);
const leftOut = kZones.filter((zone) => !zones.includes(zone));
if (leftOut.length > 0)
    console.log(`left out, since the zone data of Node.js (${process.versions.tz}) is another: ${leftOut.join(', ')}`);
if (leftOut.length > kMostLeftOut) {
    console.error('that is more than newer zone data can explain');
    process.exit(1);
}

const questions = Array.from({ length: Number(cases) }, () => {
    const zone = pick(zones);
    return { expression: randomExpression(), zone, after: randomStart(zone) };
});

const answers = ask(questions);
const answersWithoutStarSteps = ask(questions.map((question) =>
    ({ ...question, expression: withoutStarSteps(question.expression) })));

let same = 0;
let unexplained = 0;
const explained = new Map();
questions.forEach((question, i) => {
    const { expression, zone, after } = question;
    let ours = answers[i];
    const theirs = peer(expression, zone, after);
    const agree = () => !ours.error && !theirs.error && ours.runs.join() === theirs.runs.join();
    if (agree()) {
        ++same;
        return;
    }
    let why = '';
    if (withoutStarSteps(expression) !== expression) {
        ours = answersWithoutStarSteps[i];
        if (agree()) why = 'a day field with a star and a step';
    }
    if (why === '') why = reason(question, ours, theirs);
    if (why !== '') {
        if (!explained.has(why)) explained.set(why, []);
        explained.get(why).push({ expression, zone, after, ours, theirs });
        return;
    }
    if (++unexplained > 10) return;
    const show = ({ runs, error }) => error ?? runs.map((t) => new Date(t * 1000).toISOString()).join(' ');
    console.error(`DIFFERENT: '${expression}' in ${zone} after ${new Date(after * 1000).toISOString()}`);
    console.error(`  ours:   ${show(ours)}\n  theirs: ${show(theirs)}`);
});
console.log(`${questions.length} expressions, ${kRuns} runs each: ${same} the same, ` +
    `${[...explained].map(([why, list]) => `${list.length} different (${why})`).join(', ')}, ` +
    `${unexplained} unexplained`);
if (process.env.SHOW_EXPLAINED) {
    for (const [why, list] of explained) {
        for (const { expression, zone, after, ours, theirs } of list.slice(0, Number(process.env.SHOW_EXPLAINED))) {
            const show = ({ runs, error }) => error ?? runs.map((t) => new Date(t * 1000).toISOString()).join(' ');
            console.log(`${why}: '${expression}' ${zone} after ${new Date(after * 1000).toISOString()}\n  ours:   ${show(ours)}\n  theirs: ${show(theirs)}`);
        }
    }
}
// A comparison in which most things differ, or nothing was compared, shows nothing.
process.exit(unexplained > 0 || same < questions.length / 2 ? 1 : 0);
