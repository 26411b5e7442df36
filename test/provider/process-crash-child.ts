// A service process for process-crash.test.ts: says that it begins, does one thing, and stays until it is killed.
import { processProvider } from '../../src/provider/process/process-provider.ts'
import type { Subject } from '../../src/workspace/subject.ts'

interface Given {
  readonly root: string
  readonly path: string
  readonly verb: 'boot' | 'setup' | 'shell'
  readonly subject: Subject
}

const { root, path, verb, subject }: Given = JSON.parse(process.argv[2] ?? '')
const provider = processProvider({ root, path, installation: 'here', log: { warn: () => undefined } })
const signal = new AbortController().signal

process.stdout.write('begun\n')
if (verb === 'boot') await provider.boot(subject, signal)
else if (verb === 'setup') await provider.setup(subject, signal, () => undefined)
else {
  const argv = ['/bin/sh', '-c', 'sleep 286; :']
  const shell = {
    mark: 'shell',
    argv,
    env: {},
    cwd: null,
    user: null,
    stdin: true,
    terminal: { columns: 80, rows: 24 },
  }
  await provider.inside.run(subject, shell, signal)
  await provider.inside.run(subject, { ...shell, argv: ['sleep', '285'], terminal: null }, signal)
  process.stdout.write('open\n')
}
setInterval(() => undefined, 60_000)
