import type { z } from 'zod'

/** What this process was started with: the JSON in its first argument. */
export function readInput<T>(schema: z.ZodType<T>): T {
  return schema.parse(JSON.parse(process.argv[2] ?? 'null'))
}

/** What this process has found out, for the one that started it. */
export function writeResult(result: object): void {
  process.stdout.write(`${JSON.stringify(result)}\n`)
}
