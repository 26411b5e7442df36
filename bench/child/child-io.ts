import type { z } from 'zod'

/** Parses the JSON in the first argument of this process. */
export function readInput<T>(schema: z.ZodType<T>): T {
  return schema.parse(JSON.parse(process.argv[2] ?? 'null'))
}

/** Prints a result for the parent process, as a JSON line. */
export function writeResult(result: object): void {
  process.stdout.write(`${JSON.stringify(result)}\n`)
}
