import type { z } from 'zod'
import { formatPath, type DocumentPath, valueAt } from './document-path.ts'
import type { FieldProblem } from './template-problem.ts'

const imageBuildFields = ['build', 'dockerFile', 'dockerComposeFile', 'features']

/** What zod found wrong in `value`, in our words. */
export function schemaProblems(issue: z.core.$ZodIssue, value: Readonly<Record<string, unknown>>): FieldProblem[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)))
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...path, key],
      reason: `\`${formatPath([...path, key])}\` means nothing`,
      remedy: issue.message,
    }))
  }
  const buildField =
    path[0] === 'image' && value['image'] === undefined ? imageBuildFields.find((field) => field in value) : undefined
  if (buildField !== undefined) {
    const remedy = 'Images are not built here: build it elsewhere, and name it as `image`.'
    return [{ path: [buildField], reason: `there is \`${buildField}\` but no \`image\``, remedy }]
  }
  const remedy = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message
  return [{ path, reason: `\`${formatPath(path)}\` ${describeValue(path, value)}`, remedy }]
}

/** What stands there. Of environments and commands only its kind: there may be secrets in them. */
function describeValue(path: DocumentPath, root: unknown): string {
  const value = valueAt(root, path)
  if (value === undefined) return 'is missing'
  if (value === null) return 'is null'
  if (typeof value === 'object')
    return Array.isArray(value) ? 'is a list that does not fit' : 'is an object that does not fit'
  const secret = /^(containerEnv|remoteEnv|(onCreate|postCreate|postStart)Command)$/.test(String(path[0]))
  return secret ? `is a ${typeof value} that does not fit` : `is ${JSON.stringify(value).slice(0, 100)}`
}
