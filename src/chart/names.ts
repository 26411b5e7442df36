// Names for readers, instead of XState's internal ones.

/** The event's name. `effects` maps the ids that the state invokes to their sources: a `timer` times out, every other source is done. */
export function eventName(type: string, effects: ReadonlyMap<string, string>): string {
  if (type === '') return 'always'
  if (type === '*') return 'any other event'
  const [, kind, source, id = ''] = /^xstate\.(done|error|snapshot|after)\.(actor|state|[^.]+)\.?(.*)$/.exec(type) ?? []
  if (kind === undefined || source === undefined) return type
  if (kind === 'after') return /^\d+$/.test(source) ? `after ${source} ms` : `after ${source}`
  if (source === 'state') return `${id.split('.').at(-1)} done`
  if (kind === 'error') return `${id} failed`
  if (kind === 'snapshot') return `${id} snapshot`
  return effects.get(id) === 'timer' ? `${id} timed out` : `${id} done`
}

/** A guard's name, with its parameters if they are static: `isAt: image`, `not(isAt: image)`. */
export function guardName(guard: unknown): string {
  const { type, params } = guardReference(guard)
  if (params === undefined) return type
  return `${type}: ${typeof params === 'string' ? params : JSON.stringify(params)}`
}

/** A guard as a definition refers to it. The type of a guard that is composed of others, such as `not`, is their text. */
export function guardReference(guard: unknown): { readonly type: string; readonly params?: unknown } {
  if (typeof guard === 'function' && 'guards' in guard && Array.isArray(guard.guards))
    return { type: `${guard.name}(${guard.guards.map(guardName).join(', ')})` }
  const params = hasKey(guard, 'params') && typeof guard.params !== 'function' ? guard.params : undefined
  return { type: actionName(guard), ...(params !== undefined && { params }) }
}

/** The name of an actor's source; `inline` if the machine defines its logic in place. */
export function effectName(src: unknown): string {
  return typeof src === 'string' && !src.startsWith('xstate.') ? src : 'inline'
}

/** The name of an action; `inline` for an anonymous function. */
export function actionName(value: unknown): string {
  if (typeof value === 'string') return value
  if (hasKey(value, 'type') && typeof value.type === 'string') return value.type.replace(/^xstate\./, '')
  return typeof value === 'function' && value.name !== '' ? value.name : 'inline'
}

function hasKey<K extends string>(value: unknown, key: K): value is Record<K, unknown> {
  return (typeof value === 'object' || typeof value === 'function') && value !== null && key in value
}
