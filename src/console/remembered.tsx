import type { ComponentChildren } from 'preact'
import type { Client, Snapshot, Workspace } from '../client/client.ts'
import { timeText } from './moment.ts'
import { countdown } from './urgent.tsx'
import { useAsked } from './use-asked.ts'
import { useNow } from './use-fleet.ts'

type Context = NonNullable<Snapshot['context']>

/** What the statechart of a workspace remembers, in words. It is read again whenever the workspace has changed. */
export function Remembered({ workspace, client }: { readonly workspace: Workspace; readonly client: Client }) {
  const { id, state, updated_at } = workspace
  const { answer, trouble } = useAsked(() => client.snapshot(id), null, [client, id, state, updated_at])
  return (
    <section class="panel" aria-labelledby="remembered">
      <h2 id="remembered">What its statechart remembers</h2>
      {trouble !== null && (
        <p class="notice trouble" role="alert">
          It cannot be read. {trouble}
        </p>
      )}
      {answer === null && trouble === null && <p class="pending">Loading…</p>}
      {answer?.context === null && <p class="pending">This version cannot read its record.</p>}
      {answer?.context && (
        <div class="columns">
          <Way snapshot={answer} context={answer.context} />
          <Recipe {...answer.context.recipe} />
        </div>
      )}
    </section>
  )
}

/** Where it is on its way, and what it has so far. */
function Way({ snapshot: { revision, state, updated_at }, context }: { snapshot: Snapshot; context: Context }) {
  const now = useNow()
  const { deadline, forEngine, imageId, containerId, prepared, progress, retryAt, step, tries } = context
  const isAtRest = /^(running\.up|stopped\.idle|failed)$/.test(state)
  return (
    <table class="remembered">
      <caption>Its way</caption>
      <tbody>
        <Row name="state">{state}</Row>
        <Row name="revision">
          {revision}, written at {timeText(updated_at, now)}
        </Row>
        <Row name="step reached">{step}</Row>
        <Row name="failed tries">{tries}</Row>
        <Row name="deadline">{isAtRest ? 'none: nothing is under way' : countdown(deadline, now)}</Row>
        <Row name="tried again">
          {retryAt === null || !state.endsWith('waiting') ? 'no wait' : countdown(retryAt, now)}
          {state.endsWith('waiting') && forEngine && ', or when the engine is back'}
        </Row>
        <Row name="says">{progress ?? context.reason ?? 'nothing'}</Row>
        <Row name="image">{imageId === null ? 'none yet' : <code>{imageId}</code>}</Row>
        <Row name="container">{containerId === null ? 'none' : <code>{containerId}</code>}</Row>
        <Row name="prepared">{prepared ? 'yes: commands for a new container have run' : 'no'}</Row>
        <Row name="expires">{context.expiresAt === null ? 'never' : timeText(context.expiresAt, now)}</Row>
      </tbody>
    </table>
  )
}

/** The template as it was when the workspace was made. */
function Recipe(recipe: Context['recipe']) {
  const { cpus, memoryBytes, pids } = recipe.limits
  const commands = [...recipe.onCreate, ...recipe.postCreate, ...recipe.postStart]
  const listed = (values: readonly (string | number)[]) => (values.length === 0 ? 'none' : values.join(', '))
  return (
    <table class="remembered">
      <caption>Its recipe</caption>
      <tbody>
        <Row name="image">{recipe.image}</Row>
        <Row name="limits">
          {cpus} CPU, {Math.round(memoryBytes / 2 ** 20)} MiB, {pids} processes
        </Row>
        <Row name="user">{recipe.remoteUser ?? 'the image’s'}</Row>
        <Row name="folder">{recipe.workspaceFolder}</Row>
        <Row name="ports">{listed(recipe.forwardPorts)}</Row>
        <Row name="variables">{listed([...recipe.containerEnv, ...recipe.remoteEnv])}</Row>
        <Row name="runs">{recipe.overrideCommand ? 'a keeper' : 'the image’s own command'}</Row>
        <Row name="init process">{recipe.init ? 'yes' : 'no'}</Row>
        {commands.map(({ name, run }) => (
          <Row key={name} name={name}>
            <code>{typeof run === 'string' ? run : run.join(' ')}</code>
          </Row>
        ))}
      </tbody>
    </table>
  )
}

function Row({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>{children}</td>
    </tr>
  )
}
