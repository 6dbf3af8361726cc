/** Finds the operation of a request by its path and method. */

import { percentDecode } from "./query.ts";
import { badRequest, problem, type ProblemReply } from "./problem.ts";
import type { Route } from "./route.ts";

/** Where a request leads. */
export type Destination =
  | { readonly type: "Route"; readonly route: Route; readonly path: ReadonlyMap<string, string> }
  /** The path is served, and this is how. */
  | { readonly type: "Options"; readonly allow: string }
  | { readonly type: "Problem"; readonly reply: ProblemReply; readonly route: Route | undefined };

/** The operations of one path. */
interface Place {
  readonly segments: readonly Segment[];
  readonly routes: readonly Route[];
  /** The value of `Allow`. */
  readonly allow: string;
}

/** A part of a template: a text, or the name of a parameter. */
type Segment =
  | { readonly type: "Text"; readonly text: string }
  | { readonly type: "Parameter"; readonly name: string; readonly takesRest: boolean };

const NO_PARAMETERS: ReadonlyMap<string, string> = new Map();

/** A table of routes, ready to be asked. */
export class Router {
  /** Paths without parameters. */
  readonly #plain = new Map<string, Place>();
  readonly #templates: Place[] = [];

  /** Two routes of the same path and method are a bug of the table: the first wins. */
  constructor(routes: readonly Route[]) {
    for (const path of new Set(routes.map((route) => route.path))) {
      const own = routes.filter((route) => route.path === path);
      const segments = segmentsOf(path);
      const place = { segments, routes: own, allow: allowOf(own) };
      if (segments.every(({ type }) => type === "Text")) this.#plain.set(path, place);
      else this.#templates.push(place);
    }
  }

  /** Where `method` on `path`, as it was sent, leads. */
  find(method: string, path: string): Destination {
    const plain = this.#plain.get(path);
    if (plain !== undefined) return choose(method, plain, NO_PARAMETERS);
    const parts = path.slice(1).split("/");
    for (const place of this.#templates) {
      const matched = match(place.segments, parts);
      if (matched === "Malformed") return malformed(place, method);
      if (matched !== undefined) return choose(method, place, matched);
    }
    const detail = "There is nothing under this path; /openapi.json lists what there is";
    return { type: "Problem", reply: problem({ status: 404, code: "not_found", detail }), route: undefined };
  }
}

function segmentsOf(path: string): readonly Segment[] {
  const parts = path.slice(1).split("/");
  return parts.map((part, at) => {
    const name = /^\{(.+)\}$/.exec(part)?.[1];
    return name === undefined
      ? { type: "Text", text: part }
      : { type: "Parameter", name, takesRest: at === parts.length - 1 };
  });
}

function allowOf(routes: readonly Route[]): string {
  const methods = routes.flatMap(({ method }) => method === "GET" ? ["GET", "HEAD"] : [method]);
  return [...methods, "OPTIONS"].join(", ");
}

/** The parameters of a path that fits; a key may hold any byte, so the last parameter takes the slashes as well. */
function match(
  segments: readonly Segment[],
  parts: readonly string[],
): ReadonlyMap<string, string> | "Malformed" | undefined {
  if (parts.length < segments.length) return undefined;
  const values = new Map<string, string>();
  for (const [at, segment] of segments.entries()) {
    const part = parts[at] ?? "";
    if (segment.type === "Text") {
      if (segment.text !== part) return undefined;
      continue;
    }
    const value = percentDecode(segment.takesRest ? parts.slice(at).join("/") : part);
    if (value === undefined) return "Malformed";
    values.set(segment.name, value);
  }
  const last = segments.at(-1);
  const takesRest = last?.type === "Parameter" && last.takesRest;
  return takesRest || parts.length === segments.length ? values : undefined;
}

function choose(method: string, place: Place, path: ReadonlyMap<string, string>): Destination {
  const route = routeFor(place, method);
  if (route !== undefined) return { type: "Route", route, path };
  if (method === "OPTIONS") return { type: "Options", allow: place.allow };
  const detail = `This path takes ${place.allow}`;
  const headers = [["Allow", place.allow]] as const;
  const reply = problem({ status: 405, code: "method_not_allowed", detail, headers });
  return { type: "Problem", reply, route: undefined };
}

function routeFor({ routes }: Place, method: string): Route | undefined {
  const wanted = method === "HEAD" ? "GET" : method;
  return routes.find((route) => route.method === wanted);
}

function malformed(place: Place, method: string): Destination {
  const reply = badRequest("The path has a malformed percent escape");
  return { type: "Problem", reply, route: routeFor(place, method) };
}
