import { encodeSnapshot } from '../../src/persistence/snapshot-codec.ts'
import type { Life } from './history.ts'
import { isToldDeleted } from './ledger.ts'
import { operator, owners } from './simulated-world.ts'
import type { SimulatedWorld } from './simulated-world.ts'
import { storedOf } from './state-on-disk.ts'
import { ours } from './unruly-engine.ts'
import type { Lying } from './world-disk.ts'
import type { WorldProcess } from './world-process.ts'

const second = 1000
const minute = 60 * second
/** A create, a start or a stop may take 30 minutes in all; a sweep finds what was cut off. */
const longestMs = 30 * minute + 40 * second

/** What has to hold at every moment at which nothing is half done. */
export function checkInvariants(world: SimulatedWorld): void {
  const rows = world.disk.rows()
  for (const wrong of world.history.follow()) world.blame(wrong)
  names(world, rows)
  const process = world.process()
  for (const [id, life] of world.history.lives) {
    const row = rows.find((it) => it.id === id)
    disk(world, life, row)
    departed(world, life)
    if (process) memory(world, life, row, process)
    if (process) deadlines(world, life, process)
    const containers = world.engine.host.of(ours, id).length
    if (containers > 1) world.blame(`${life.known.label} has ${containers} containers`)
  }
  const { theirs, unheardOf } = world.strangers
  for (const stranger of [theirs, unheardOf])
    if (world.engine.host.containers.get(stranger)?.state.kind !== 'made')
      world.blame('law 8: a container that is none of the service’s was touched')
  if (process) lists(world, rows, process)
}

function names(world: SimulatedWorld, rows: readonly Lying[]): void {
  const shown = rows.filter(({ status }) => status !== 'deleting').map(({ owner, name }) => `${owner}/${name}`)
  if (new Set(shown).size < shown.length) world.blame(`a name is there twice: ${shown.join(' ')}`)
}

/** The disk alone: what was acknowledged is there, and a row says the same as its journal and its snapshot. */
function disk(world: SimulatedWorld, { known, lines, revision }: Life, row: Lying | undefined): void {
  const { label } = known
  const last = lines.at(-1)
  if (!row) {
    if (last?.to !== 'deleted')
      world.blame(`law 2: ${label} is gone from the disk, and its journal ends in ${last?.to}`)
    return
  }
  const { value, context } = storedOf(row.snapshot)
  const status = typeof value === 'string' ? value : Object.keys(value)[0]
  if (row.revision < revision) world.blame(`law 2: the row of ${label} is older than its journal`)
  if (status !== row.status || !(last?.to.startsWith(row.status) ?? false))
    world.blame(`law 2: ${label} is ${row.status} in its row, ${status} in its snapshot, ${last?.to} in its journal`)
  if (context.expiresAt !== row.expiresAt) world.blame(`law 6: the row of ${label} expires when its snapshot does not`)
  if (row.status === 'failed' && !context.reason) world.blame(`law 5: ${label} failed, and nobody knows why`)
}

/** Law 4: what is called deleted has no container then; one that the engine makes later, unasked, is found by an inventory. */
function departed(world: SimulatedWorld, { known, lines }: Life): void {
  const last = lines.at(-1)
  if (last?.to !== 'deleted' || last.moment !== world.clock.monotonic()) return
  const late = world.engine.host.misfortunes.get(known.id)?.some(({ trouble }) => trouble === 'late') ?? false
  if (!late && world.engine.host.of(ours, known.id).length > 0)
    world.blame(`law 4: ${known.label} is called deleted while its container is there`)
}

/** What the service shows is what the disk has, to its owner and to nobody else. */
function memory(world: SimulatedWorld, { known }: Life, row: Lying | undefined, { supervisor }: WorldProcess): void {
  const { id, label, owner } = known
  const seen = supervisor.look(id, operator)
  if (!row && seen) world.blame(`law 2: ${label} is shown and not on the disk`)
  if (row && seen?.kind !== 'readable') world.blame(`law 2: ${label} is on the disk and not shown`)
  if (row && seen?.kind === 'readable') {
    const [had, has] = [encodeSnapshot(seen.snapshot), row.snapshot]
    if (had !== has || seen.updatedAt !== row.updatedAt)
      world.blame(`law 2: ${label} in memory is not ${label} on the disk`)
  }
  for (const asker of owners) {
    const shown = supervisor.look(id, asker) !== undefined
    if (shown && asker.owner !== owner) world.blame(`law 11: ${asker.owner} sees ${label}, which is ${owner}'s`)
    if (shown && isToldDeleted(known)) world.blame(`law 4: ${label} was told deleted and is shown`)
    const there = row !== undefined && row.status !== 'deleting'
    if (!shown && there && asker.owner === owner) world.blame(`law 2: ${label} is not shown to its owner`)
  }
}

function lists(world: SimulatedWorld, rows: readonly Lying[], { supervisor }: WorldProcess): void {
  for (const asker of owners) {
    const listed = supervisor.list({}, asker).workspaces.length
    const there = rows.filter(({ owner, status }) => owner === asker.owner && status !== 'deleting').length
    if (listed !== there) world.blame(`law 2: ${asker.owner} has ${there} workspaces, and is listed ${listed}`)
  }
}

const moving = /^(creating|stopped\.starting|running\.(stopping|restarting))/
const beginning = new Set(['create', 'start', 'stop', 'restart', 'resume', 'exited', 'halt.done'])

/** Law 5: nothing is on its way for longer than it may be. */
function deadlines(world: SimulatedWorld, { known, lines }: Life, process: WorldProcess): void {
  const last = lines.at(-1)
  if (!last || !moving.test(last.to)) return
  const begun = lines.findLast(({ event, to }) => beginning.has(event) && moving.test(to))
  // What the disk refused is as if it had not been: it is told to go on at a sweep, and has its few minutes then.
  const since = Math.max(begun?.moment ?? 0, process.since, world.heldUpUntil)
  if (world.clock.monotonic() - since > longestMs) world.blame(`law 5: ${known.label} has been ${last.to} for too long`)
}
