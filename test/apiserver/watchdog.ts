import { type ChildProcess, spawn } from 'node:child_process';

/**
 * Waits until its standard input ends, which it does however the process that holds it goes (exit, signal, kill -9),
 * then kills what is still registered and removes the folder. Only a process that works in the folder is killed: its id
 * may have gone to another one. Lines of input: `+PID` and `-PID`.
 */
const SCRIPT = `
trap '' INT TERM HUP
folder=$1
shift
pids=' '
while read -r line; do
  case $line in
    +*) pids="$pids\${line#+} " ;;
    -*)
      p=\${line#-}
      case $pids in *" $p "*) pids="\${pids%% $p *} \${pids#* $p }" ;; esac
      ;;
  esac
done
ours() {
  if [ -d /proc/self ]; then [ "$(readlink "/proc/$1/cwd")" = "$folder" ]; else kill -0 "$1" 2>/dev/null; fi
}
for p in $pids; do ours "$p" && kill -9 "$p" 2>/dev/null; done
tries=0
for p in $pids; do
  while ours "$p" && [ $tries -lt 1200 ]; do sleep 0.05; tries=$((tries + 1)); done
done
# of a namespace whose first process is gone the others may still be ending
tries=0
for c in "$@"; do
  while [ -d "$c" ]; do
    find "$c" -depth -type d -exec rmdir {} + 2>/dev/null && break
    [ $tries -lt 1200 ] || break
    sleep 0.05
    tries=$((tries + 1))
  done
done
rm -rf "$folder"
`;

/** Cleans up after this process when it cannot do it itself. */
export class Watchdog {
  readonly #shell: ChildProcess;

  /**
   * @param folder with symbolic links resolved; removed in the end
   * @param cgroups folders that are removed from the leaves up, which is how cgroups go
   */
  constructor(folder: string, cgroups: readonly string[] = []) {
    // in a session of its own: what is sent to the whole group (Ctrl-C) does not reach it
    this.#shell = spawn('sh', ['-c', SCRIPT, 'sh', folder, ...cgroups], {
      stdio: ['pipe', 'ignore', 'ignore'],
      cwd: '/',
      detached: true,
    });
    this.#shell.stdin?.on('error', () => {});
  }

  get pid(): number | undefined {
    return this.#shell.pid;
  }

  add(pid: number): void {
    this.#shell.stdin?.write(`+${pid}\n`);
  }

  remove(pid: number): void {
    this.#shell.stdin?.write(`-${pid}\n`);
  }

  /** Lets it do its work now; resolves once everything is gone. */
  async finish(): Promise<void> {
    if (this.#shell.exitCode !== null || this.#shell.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#shell.once('exit', resolve));
    this.#shell.stdin?.end();
    await ended;
  }
}
