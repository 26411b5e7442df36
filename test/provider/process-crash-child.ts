// A service process for process-crash.test.ts: says that it begins, does one thing, and stays until it is killed.
import { processProvider } from '../../src/provider/process/process-provider.ts'
import type { Subject } from '../../src/workspace/subject.ts'

interface Given {
  readonly root: string
  readonly path: string
  readonly verb: 'boot' | 'setup'
  readonly subject: Subject
}

const { root, path, verb, subject }: Given = JSON.parse(process.argv[2] ?? '')
const provider = processProvider({ root, path, installation: 'here', log: { warn: () => undefined } })
const signal = new AbortController().signal

process.stdout.write('begun\n')
await (verb === 'boot' ? provider.boot(subject, signal) : provider.setup(subject, signal, () => undefined))
setInterval(() => undefined, 60_000)
