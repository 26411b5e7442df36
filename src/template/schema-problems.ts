import type { z } from 'zod'
import { formatPath, type DocumentPath, valueAt } from './document-path.ts'
import type { FieldProblem } from './template-problem.ts'

const imageBuildFields = ['build', 'dockerFile', 'dockerComposeFile', 'features']

/** Turns a zod issue about `value` into problems with a reason and a remedy. */
export function schemaProblems(issue: z.core.$ZodIssue, value: Readonly<Record<string, unknown>>): FieldProblem[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)))
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...path, key],
      reason: `\`${formatPath([...path, key])}\` is not supported`,
      remedy: issue.message,
    }))
  }
  const buildField =
    path[0] === 'image' && value['image'] === undefined ? imageBuildFields.find((field) => field in value) : undefined
  if (buildField !== undefined) {
    const remedy = 'Build the image elsewhere, and name it as `image`: vm-api does not build images.'
    return [{ path: [buildField], reason: `\`${buildField}\` is set without \`image\``, remedy }]
  }
  const remedy = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message
  return [{ path, reason: `\`${formatPath(path)}\` ${describeValue(path, value)}`, remedy }]
}

/** Describes the value at `path`. For environments and commands, which may contain secrets, only its type. */
function describeValue(path: DocumentPath, root: unknown): string {
  const value = valueAt(root, path)
  if (value === undefined) return 'is missing'
  if (value === null) return 'is null'
  if (typeof value === 'object') return Array.isArray(value) ? 'is a list' : 'is an object'
  const secret = /^(containerEnv|remoteEnv|(onCreate|postCreate|postStart)Command)$/.test(String(path[0]))
  if (!secret) return `is ${JSON.stringify(value).slice(0, 100)}`
  return typeof value === 'string' ? 'is an invalid string' : `is a ${typeof value}`
}
