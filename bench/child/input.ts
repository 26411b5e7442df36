import type { z } from 'zod'

/** What this process was started with: the JSON in its first argument. */
export function inputOf<T>(shape: z.ZodType<T>): T {
  return shape.parse(JSON.parse(process.argv[2] ?? 'null'))
}

/** What this process has found out, for the one that started it. */
export function answer(found: object): void {
  process.stdout.write(`${JSON.stringify(found)}\n`)
}
