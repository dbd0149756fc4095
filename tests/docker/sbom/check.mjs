// SPDX-License-Identifier: MIT
// check.mjs FILE: checks a bill of materials against CycloneDX's schema, strictly.
import { readFileSync } from "node:fs";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";

const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot5);
const wrong = await validator.validate(readFileSync(process.argv[2], "utf8"));
if (wrong !== null) {
    console.log(JSON.stringify(wrong, null, 1).slice(0, 2000));
    process.exit(1);
}
console.log("ok");
