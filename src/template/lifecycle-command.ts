import { z } from 'zod'
import type { LifecycleCommand } from '../workspace/spec.ts'
import { isObject } from './document-path.ts'

const remedy =
  'Write a string for the shell, a list of arguments that runs without a shell, or an object of named commands.'
const nameRemedy = 'Start the name with a letter, followed by letters, digits, `-`, `_` or `.`.'

/**
 * The schema of a lifecycle command, which becomes a list of commands. Named commands run one after the other, in the order of the file
 * (the specification runs them in parallel). Empty commands are dropped.
 */
export function lifecycleCommandSchema(field: string) {
  const schema = z.unknown().transform((value, context): LifecycleCommand[] => {
    // Names start with a letter because JavaScript sorts integer-like keys before all others, whatever their order in the file.
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
  return isArgument(run) || (Array.isArray(run) && run.every(isArgument) && run[0] !== '')
}

// The operating system cuts an argument at NUL, so another command than the written one would run.
function isArgument(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0')
}

function invalidArgumentPath(run: unknown): number[] {
  return Array.isArray(run)
    ? [
        Math.max(
          0,
          run.findIndex((argument) => !isArgument(argument)),
        ),
      ]
    : []
}
