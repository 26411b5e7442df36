import { z } from 'zod'
import type { LifecycleCommand } from '../workspace/spec.ts'
import { isObject } from './document-path.ts'

const remedy = 'Write text for the shell, a list of words that no shell sees, or an object of such commands by name.'
const nameRemedy = 'Begin the name with a letter; go on with letters, digits, `-`, `_` and `.`.'

/**
 * A lifecycle command as the specification has it, as the list of what is run. Named commands are run one after the other, in the order
 * in which they stand (the specification runs them at the same time); an empty one is none.
 */
export function lifecycleCommandSchema(field: string) {
  const schema = z.unknown().transform((value, context): LifecycleCommand[] => {
    // Keys that look like numbers would come first, whatever the order in the file is: hence a letter.
    const entries: readonly (readonly [string, unknown])[] = isObject(value) ? Object.entries(value) : [['', value]]
    return entries.flatMap(([name, run]): LifecycleCommand[] => {
      const path = name === '' && !isObject(value) ? [] : [name]
      if (path.length > 0 && !/^[A-Za-z][\w.-]*$/.test(name)) {
        context.addIssue({ code: 'custom', path, message: nameRemedy })
      }
      if (run === undefined || run === '' || (Array.isArray(run) && run.length === 0)) return []
      if (!isCommand(run)) {
        context.addIssue({ code: 'custom', path: [...path, ...invalidArgumentPath(run)], message: remedy })
        return []
      }
      return [{ name: [field, ...path].join('.'), run }]
    })
  })
  return schema.prefault('')
}

function isCommand(run: unknown): run is string | string[] {
  return isText(run) || (Array.isArray(run) && run.every(isText) && run[0] !== '')
}

// An operating system ends a word at NUL: what is run would not be what was written.
function isText(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0')
}

function invalidArgumentPath(run: unknown): number[] {
  return Array.isArray(run)
    ? [
        Math.max(
          0,
          run.findIndex((argument) => !isText(argument)),
        ),
      ]
    : []
}
