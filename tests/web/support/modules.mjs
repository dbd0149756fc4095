// SPDX-License-Identifier: MIT
// Lets Node.js import the page's modules, which end in .js as browsers want it, without a package.json beside them, which
// would be embedded into the host with the page.
import { register } from "node:module";

const hooks = `
  export async function load(url, context, next) {
    const ours = url.startsWith("file:") && url.includes("/web/") && url.endsWith(".js") && !url.includes("/node_modules/");
    return next(url, ours ? { ...context, format: "module" } : context);
  }`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
