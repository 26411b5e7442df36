// XState's own names in people's words.

/** The event in people's words. `effects` are the effects that the state invokes: id → source; a `timer` times out, others are done. */
export function eventName(type: string, effects: ReadonlyMap<string, string>): string {
  if (type === '') return 'at once'
  if (type === '*') return 'any other event'
  const [, kind, source, id = ''] = /^xstate\.(done|error|snapshot|after)\.(actor|state|[^.]+)\.?(.*)$/.exec(type) ?? []
  if (kind === undefined || source === undefined) return type
  if (kind === 'after') return /^\d+$/.test(source) ? `after ${source} ms` : `after ${source}`
  if (source === 'state') return `${id.split('.').at(-1)} done`
  if (kind === 'error') return `${id} failed`
  if (kind === 'snapshot') return `${id} snapshot`
  return effects.get(id) === 'timer' ? `${id} timed out` : `${id} done`
}

/** An action's name; one that is inline is called by what it does. */
export function actionName(action: unknown): string {
  return nameOf(action)
}

/** A guard's name, with its parameter if that is fixed: `isAt: image`, `not(isAt: image)`. */
export function guardName(guard: unknown): string {
  if (typeof guard === 'function' && 'guards' in guard && Array.isArray(guard.guards)) {
    return `${guard.name}(${guard.guards.map(guardName).join(', ')})`
  }
  const params = hasKey(guard, 'params') && typeof guard.params !== 'function' ? guard.params : undefined
  if (params === undefined) return nameOf(guard)
  return `${nameOf(guard)}: ${typeof params === 'string' ? params : JSON.stringify(params)}`
}

/** The name of an effect's logic; one that is inline has none. */
export function effectName(src: unknown): string {
  return typeof src === 'string' && !src.startsWith('xstate.') ? src : 'inline'
}

function nameOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (hasKey(value, 'type') && typeof value.type === 'string') return value.type.replace(/^xstate\./, '')
  return typeof value === 'function' && value.name !== '' ? value.name : 'inline'
}

function hasKey<K extends string>(value: unknown, key: K): value is Record<K, unknown> {
  return (typeof value === 'object' || typeof value === 'function') && value !== null && key in value
}
