/** A root directory that holds the executable, the libraries that it is linked with, and nothing else. Needs Linux and root. */

import { assert } from "@std/assert";

/** The executable that `KVSTORE_BINARY` names. */
export function binary(): string {
  const path = Deno.env.get("KVSTORE_BINARY");
  assert(path !== undefined, "KVSTORE_BINARY names the executable: .ci/build linux-x64 makes dist/kvstore");
  return Deno.realPathSync(path);
}

/** Runs a command line to its end. */
export async function outputOf(line: readonly string[]): Promise<{ readonly code: number; readonly text: string }> {
  const [program = "", ...args] = line;
  const { code, stdout, stderr } = await new Deno.Command(program, { args, clearEnv: true }).output();
  const decoder = new TextDecoder();
  return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
}

/** The paths of the libraries that the loader takes for the executable. */
async function librariesOf(path: string): Promise<readonly string[]> {
  const { text } = await outputOf(["/usr/bin/ldd", path]);
  return [...text.matchAll(/(\/\S+) \(0x/g)].map(([, library = ""]) => library);
}

/** A root directory, and how a program is run in it: the kernel's own files are there, as on any machine. */
export class EmptyRoot implements AsyncDisposable {
  /** Where it lies. */
  readonly path: string = Deno.makeTempDirSync({ prefix: "kvstore-root-" });

  /** Copies the executable and its libraries; returns the paths of the libraries. */
  async fill(executable: string): Promise<readonly string[]> {
    for (const folder of ["proc", "dev", "home"]) await Deno.mkdir(`${this.path}/${folder}`);
    await Deno.writeTextFile(`${this.path}/dev/null`, "");
    await Deno.copyFile(executable, `${this.path}/kvstore`);
    const libraries = await librariesOf(executable);
    for (const library of libraries) {
      await Deno.mkdir(`${this.path}${library.slice(0, library.lastIndexOf("/"))}`, { recursive: true });
      await Deno.copyFile(library, `${this.path}${library}`);
    }
    return libraries;
  }

  /** The command line that runs `./kvstore ARGS` in the root's `/home`; everything ends with its first process. */
  line(args: readonly string[]): readonly string[] {
    const script = 'mount -t proc proc "$0/proc" && mount --bind /dev/null "$0/dev/null" && root=$0 && ' +
      'exec chroot "$root" /kvstore "$@"';
    return [
      "/usr/bin/unshare",
      "--mount",
      "--pid",
      "--fork",
      "--kill-child",
      "/bin/sh",
      "-c",
      script,
      this.path,
      ...args,
    ];
  }

  /** Runs `./kvstore ARGS` to its end. */
  async run(...args: readonly string[]): Promise<{ readonly code: number; readonly text: string }> {
    return await outputOf(this.line(args));
  }

  /** Removes the directory. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}
