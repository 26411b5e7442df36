import { afterEach, beforeEach } from 'vitest'
import type { Run } from '../../src/provider/inside.ts'
import type { RunCommand } from '../../src/workspace/run.ts'
import type { Subject } from '../../src/workspace/subject.ts'
import { newSubject, up } from './bench.ts'
import { type ProcessBench, processBench } from './process-bench.ts'
import { shellIn } from './run-bench.ts'

/** A workspace of plain processes for each test of a suite, and what runs in it. */
export function processRuns() {
  let bench: ProcessBench
  let subject: Subject
  beforeEach(async () => {
    bench = await processBench()
    subject = await up(bench.provider, newSubject(bench.recipe({ remoteUser: 'vscode' })))
  })
  afterEach(() => bench.close())
  return {
    get bench() {
      return bench
    },
    get subject() {
      return subject
    },
    run: (script: string, partial: Partial<RunCommand> = {}): Promise<Run> =>
      shellIn(bench.provider.inside, subject, script, partial),
    /** All that a run writes until it has ended, both streams together, and how it ended. */
    async toEnd(running: Run): Promise<readonly [string, object]> {
      const pieces: Buffer[] = []
      for await (const { bytes } of running.output) pieces.push(bytes)
      return [Buffer.concat(pieces).toString(), await running.ended]
    },
  }
}
