/** The licenses of everything that the executable carries. */

import { VERSION } from "../observe/version.ts";

/** One part of the executable. */
export interface LicensedPart {
  readonly name: string;
  readonly version: string;
  /** SPDX identifier. */
  readonly license: "MIT" | "BSD-3-Clause";
  readonly copyright: string;
  /** Where it comes from, with its license in full. */
  readonly source: string;
  readonly remark?: string;
}

/** Every part. The packages are those of deno.lock; a test compares. */
export const LICENSED_PARTS: readonly LicensedPart[] = [
  {
    name: "kvstore",
    version: VERSION,
    license: "MIT",
    copyright: "Copyright (c) KVStore contributors",
    source: "https://github.com/kvstore/kvstore",
  },
  {
    name: "deno-std",
    version: "1.4.0",
    license: "MIT",
    copyright: "Copyright 2018-2026 the Deno authors; Copyright the Browserify authors (path)",
    source: "https://github.com/oscarotero/std",
    remark: "The standard library of Deno, https://github.com/denoland/std, as a package of npm.",
  },
  {
    name: "uplot",
    version: "1.6.32",
    license: "MIT",
    copyright: "Copyright (c) 2022 Leon Sorokin",
    source: "https://github.com/leeoniya/uPlot",
  },
  {
    name: "deno",
    version: Deno.version.deno,
    license: "MIT",
    copyright: "Copyright 2018-2026 the Deno authors",
    source: `https://github.com/denoland/deno/tree/v${Deno.version.deno}`,
    remark: "The runtime. Cargo.lock there lists the Rust crates that it is built of, each with a license of its own.",
  },
  {
    name: "v8",
    version: Deno.version.v8,
    license: "BSD-3-Clause",
    copyright: "Copyright 2014, the V8 project authors. All rights reserved.",
    source: "https://github.com/v8/v8",
    remark: "The JavaScript engine within the runtime. LICENSE there lists those of the code that it includes.",
  },
];

const TEXTS: Readonly<Record<LicensedPart["license"], readonly string[]>> = {
  MIT: [
    "Permission is hereby granted, free of charge, to any person obtaining a copy",
    'of this software and associated documentation files (the "Software"), to deal',
    "in the Software without restriction, including without limitation the rights",
    "to use, copy, modify, merge, publish, distribute, sublicense, and/or sell",
    "copies of the Software, and to permit persons to whom the Software is",
    "furnished to do so, subject to the following conditions:",
    "",
    "The above copyright notice and this permission notice shall be included in all",
    "copies or substantial portions of the Software.",
    "",
    'THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR',
    "IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,",
    "FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE",
    "AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER",
    "LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,",
    "OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE",
    "SOFTWARE.",
  ],
  "BSD-3-Clause": [
    "Redistribution and use in source and binary forms, with or without",
    "modification, are permitted provided that the following conditions are met:",
    "",
    "1. Redistributions of source code must retain the above copyright notice,",
    "   this list of conditions and the following disclaimer.",
    "2. Redistributions in binary form must reproduce the above copyright notice,",
    "   this list of conditions and the following disclaimer in the documentation",
    "   and/or other materials provided with the distribution.",
    "3. Neither the name of the copyright holder nor the names of its contributors",
    "   may be used to endorse or promote products derived from this software",
    "   without specific prior written permission.",
    "",
    'THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS "AS IS"',
    "AND ANY EXPRESS OR IMPLIED WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE",
    "IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE ARE",
    "DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT HOLDER OR CONTRIBUTORS BE LIABLE",
    "FOR ANY DIRECT, INDIRECT, INCIDENTAL, SPECIAL, EXEMPLARY, OR CONSEQUENTIAL",
    "DAMAGES (INCLUDING, BUT NOT LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR",
    "SERVICES; LOSS OF USE, DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER",
    "CAUSED AND ON ANY THEORY OF LIABILITY, WHETHER IN CONTRACT, STRICT LIABILITY,",
    "OR TORT (INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE USE",
    "OF THIS SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.",
  ],
};

/** Each part with its license, then the text of each license once. */
export function showLicenses(parts: readonly LicensedPart[] = LICENSED_PARTS): string {
  const lines: string[] = [];
  for (const { name, version, license, copyright, source, remark } of parts) {
    lines.push(`${name} ${version} (${license})`, `  ${copyright}`, `  ${source}`);
    if (remark !== undefined) lines.push(`  ${remark}`);
    lines.push("");
  }
  for (const license of new Set(parts.map((part) => part.license))) {
    lines.push(`--- ${license}`, "", ...TEXTS[license], "");
  }
  return `${lines.join("\n")}`;
}
