// SPDX-License-Identifier: MIT
// check.mjs FILE…: checks every document of the manifests against the schema of its kind, twice: values by the schema's
// validator, and names of fields, which a schema leaves open, by the kind's type. (The API server drops a field that it
// does not know, without a word.) With --self-test: shows that faults put in on purpose are found.
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import ts from "typescript";
import { parseAllDocuments } from "yaml";
import * as core from "kubernetes-models/v1";
import * as apps from "kubernetes-models/apps/v1";
import * as batch from "kubernetes-models/batch/v1";
import * as keda from "@kubernetes-models/keda/keda.sh/v1alpha1";
import * as monitoring from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";

const kinds = {
    v1: [core, "kubernetes-models/v1"],
    "apps/v1": [apps, "kubernetes-models/apps/v1"],
    "batch/v1": [batch, "kubernetes-models/batch/v1"],
    "keda.sh/v1alpha1": [keda, "@kubernetes-models/keda/keda.sh/v1alpha1"],
    "monitoring.coreos.com/v1": [monitoring, "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1"],
};

/** What the compiler has against each document as a literal of its kind's type; one list for each. */
function typeFaults(documents) {
    const path = join(import.meta.dirname ?? ".", "manifests.ts");
    const text = documents
        .map((document, i) => {
            const [, module] = kinds[document.apiVersion] ?? [];
            if (!module) return "";
            const type = `import("${module}").I${document.kind}`;
            return `export const document${i}: ${type} = ${JSON.stringify(document)};`;
        })
        .join("\n");
    const options = { module: ts.ModuleKind.NodeNext, strict: true, noEmit: true, skipLibCheck: true, types: [] };
    const compilerHost = ts.createCompilerHost(options);
    const { readFile, fileExists, getSourceFile } = compilerHost;
    compilerHost.fileExists = (name) => name === path || fileExists(name);
    compilerHost.readFile = (name) => (name === path ? text : readFile(name));
    compilerHost.getSourceFile = (name, language, ...rest) =>
        name === path ? ts.createSourceFile(name, text, language) : getSourceFile(name, language, ...rest);
    const found = documents.map(() => []);
    for (const diagnostic of ts.getPreEmitDiagnostics(ts.createProgram([path], options, compilerHost))) {
        const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, " ").slice(0, 300);
        if (diagnostic.file?.fileName !== path) throw new Error(message);
        found[ts.getLineAndCharacterOfPosition(diagnostic.file, diagnostic.start).line].push(message);
    }
    return found;
}

function valueFaults(document) {
    const model = kinds[document.apiVersion]?.[0][document.kind];
    if (!model) return [`no schema for ${document.apiVersion} ${document.kind}`];
    try {
        new model(document).validate();
    } catch (error) {
        return [error.message];
    }
    return [];
}

/** What is wrong with each document; an empty list where nothing is. */
function faults(documents) {
    const types = typeFaults(documents);
    return documents.map((document, i) => [...valueFaults(document), ...types[i]]);
}

function read(path) {
    const parsed = parseAllDocuments(readFileSync(path, "utf8"), { uniqueKeys: true });
    if (parsed.length === 0) throw new Error(`${path} is empty`);
    for (const { errors } of parsed) if (errors.length) throw new Error(`${path}: ${errors[0].message}`);
    return parsed.map((document) => ({ path, document: document.toJS() }));
}

function check(manifests) {
    const wrong = faults(manifests.map(({ document }) => document));
    manifests.forEach(({ path, document }, i) => {
        const what = `${basename(path)}: ${document.kind} ${document.metadata?.name}`;
        console.log(`${wrong[i].length ? "FAILED" : "ok"} ${what}`);
        for (const fault of wrong[i]) console.log(`  ${fault}`);
    });
    return wrong.some((list) => list.length > 0);
}

function selfTest(manifests) {
    const mutants = [
        ["Deployment", "an unknown field", (d) => { d.spec.template.spec.containers[0].readOnlyRootFilesystem = true; }],
        ["Deployment", "a text for a number", (d) => { d.spec.template.spec.terminationGracePeriodSeconds = "30s"; }],
        ["Deployment", "no selector", (d) => { delete d.spec.selector; }],
        ["Deployment", "a probe of a port that is no port", (d) => { d.spec.template.spec.containers[0].livenessProbe.httpGet.port = {}; }],
        ["Service", "a text for a number", (d) => { d.spec.ports[0].port = "9464"; }],
        ["PodMonitor", "an endpoint's port in the wrong place", (d) => { d.spec.port = "admin"; }],
        ["PodMonitor", "no selector", (d) => { delete d.spec.selector; }],
        ["CronJob", "no schedule", (d) => { delete d.spec.schedule; }],
        ["ScaledObject", "a number for a text", (d) => { d.spec.triggers[0].metadata.value = 100; }],
        ["ScaledObject", "a field in the wrong place", (d) => { d.spec.triggers[0].queueName = "orders"; }],
        ["ScaledObject", "no target", (d) => { delete d.spec.scaleTargetRef; }],
        ["TriggerAuthentication", "a parameter without its key", (d) => { delete d.spec.secretTargetRef[0].key; }],
    ];
    const spoilt = mutants.map(([kind, , spoil]) => {
        const document = structuredClone(manifests.find(({ document }) => document.kind === kind).document);
        spoil(document);
        return document;
    });
    const wrong = faults(spoilt);
    mutants.forEach(([kind, what], i) => {
        const refused = wrong[i].length > 0;
        console.log(`${refused ? "ok" : "FAILED"} ${kind} with ${what}: ${refused ? "refused" : "accepted"}`);
    });
    return wrong.some((list) => list.length === 0);
}

const manifests = process.argv.slice(2).filter((word) => !word.startsWith("--")).flatMap(read);
process.exit((process.argv.includes("--self-test") ? selfTest(manifests) : check(manifests)) ? 1 : 0);
