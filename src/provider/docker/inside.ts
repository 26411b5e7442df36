import { fault } from '../../workspace/fault.ts'
import type { Inside } from '../inside.ts'

export function dockerInside(): Inside {
  const absent = async () => fault('never', 'This is not built yet.')
  const verbs = ['stat', 'list', 'read', 'write', 'makeDirectory', 'move', 'remove', 'pack', 'unpack'] as const
  const files = Object.fromEntries(verbs.map((verb) => [verb, absent])) as unknown as Inside['files']
  return { run: absent, endRun: absent, files, logs: absent }
}
