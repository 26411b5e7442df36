// A service process for crash.live.test.ts: prints a line, runs one verb, and stays until it is killed. Runs the compiled code, because a
// loader would take longer than the verb.
import { processProvider } from '../../../dist/provider/process/process-provider.js'

/** `verb`: boot, setup or shell. */
const { root, path, verb, workspace } = JSON.parse(process.argv[2] ?? '')
const provider = processProvider({ root, path, installation: 'here', log: { warn: () => undefined } })
const signal = new AbortController().signal

process.stdout.write('started\n')
if (verb === 'boot') await provider.boot(workspace, signal)
else if (verb === 'setup') await provider.setup(workspace, signal, () => undefined)
else {
  const argv = ['/bin/sh', '-c', 'sleep 286; :']
  const shell = {
    tag: 'shell',
    argv,
    env: {},
    cwd: null,
    user: null,
    stdin: true,
    terminal: { columns: 80, rows: 24 },
  }
  await provider.guest.exec(workspace, shell, signal)
  await provider.guest.exec(workspace, { ...shell, argv: ['sleep', '285'], terminal: null }, signal)
  process.stdout.write('open\n')
}
setInterval(() => undefined, 60_000)
