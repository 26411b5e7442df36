import { useEffect, useMemo, useState } from 'preact/hooks'
import { ApiError } from '../client/api-error.ts'
import type { Client } from '../client/client.ts'
import { apiClient } from '../client/client.ts'
import { FleetPage } from './fleet-page.tsx'
import type { Fleet } from './fleet.ts'
import { openFleet, said } from './fleet.ts'
import { HealthBadge } from './health-badge.tsx'
import { useFleet } from './use-fleet.ts'
import { WhoForm } from './who-form.tsx'
import { WorkspacePage } from './workspace-page.tsx'

type Entry =
  | { readonly kind: 'asking' }
  | { readonly kind: 'who'; readonly refusal: string | null }
  | { readonly kind: 'trouble'; readonly why: string }
  | { readonly kind: 'in'; readonly client: Client; readonly user: string | null; readonly operator: boolean }

const kept = 'vm-api-user'

/** The whole page: who it is, then the fleet or one workspace, by the address. */
export function ConsoleApp({ url }: { readonly url: string }) {
  const [entry, setEntry] = useState<Entry>({ kind: 'asking' })

  async function enter(user: string | null): Promise<Entry> {
    const client = apiClient({ url, user })
    return { kind: 'in', client, user, operator: await client.isOperator() }
  }

  /** Behind a proxy the service knows who it is; else the name that was kept is tried, and then asked for. */
  async function begin() {
    setEntry({ kind: 'asking' })
    const name = localStorage.getItem(kept)
    let refusal: string | null = null
    for (const user of [null, ...(name === null ? [] : [name])])
      try {
        return setEntry(await enter(user))
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 401) return setEntry({ kind: 'trouble', why: said(error) })
        refusal = user === null ? null : error.message
      }
    setEntry({ kind: 'who', refusal })
  }

  async function named(name: string) {
    try {
      const next = await enter(name)
      localStorage.setItem(kept, name)
      setEntry(next)
    } catch (error) {
      setEntry({ kind: 'who', refusal: said(error) })
    }
  }

  function leave() {
    localStorage.removeItem(kept)
    setEntry({ kind: 'who', refusal: null })
  }

  useEffect(() => void begin(), [url])

  if (entry.kind === 'in') return <Inside key={entry.user ?? ''} {...entry} leave={leave} />
  return (
    <main class="gate">
      <h1>vm-api console</h1>
      {entry.kind === 'asking' && <p role="status">Asking the service…</p>}
      {entry.kind === 'who' && <WhoForm refusal={entry.refusal} named={(name) => void named(name)} />}
      {entry.kind === 'trouble' && (
        <div class="notice trouble" role="alert">
          <p>{entry.why}</p>
          <button type="button" onClick={() => void begin()}>
            Try again
          </button>
        </div>
      )}
    </main>
  )
}

interface InsideProps {
  readonly client: Client
  readonly user: string | null
  readonly operator: boolean
  readonly leave: () => void
}

function Inside({ client, user, operator, leave }: InsideProps) {
  const fleet = useMemo(() => openFleet(client), [client])
  useEffect(() => () => fleet.close(), [fleet])
  const id = useWorkspaceInAddress()
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => (event.preventDefault(), document.getElementById('main')?.focus())}
      >
        Skip to the content
      </a>
      <header class="top">
        <a class="brand" href="#/">
          vm-api
        </a>
        <FeedBadge fleet={fleet} />
        <HealthBadge client={client} />
        <span class="who">
          {user === null ? 'Signed in by the proxy' : user}
          {operator && ' (operator)'}
          {user !== null && (
            <button type="button" class="quiet" onClick={leave}>
              Change
            </button>
          )}
        </span>
      </header>
      <main id="main" tabIndex={-1}>
        {id === null ? (
          <FleetPage client={client} fleet={fleet} operator={operator} />
        ) : (
          <WorkspacePage key={id} id={id} client={client} fleet={fleet} />
        )}
      </main>
    </>
  )
}

const feedWords = { connecting: 'Connecting…', live: 'Live', lost: 'Connection lost, trying again…' } as const

function FeedBadge({ fleet }: { readonly fleet: Fleet }) {
  const { feed } = useFleet(fleet)
  return (
    <span class={`badge feed-${feed}`} role="status">
      <span class="dot" aria-hidden="true" />
      {feedWords[feed]}
    </span>
  )
}

/** The workspace that the address names: `#/workspaces/<id>`. */
function useWorkspaceInAddress(): string | null {
  const read = () => /^#\/workspaces\/([\w-]+)$/.exec(location.hash)?.[1] ?? null
  const [id, setId] = useState(read)
  useEffect(() => {
    const draw = () => {
      setId(read())
      scrollTo(0, 0)
      document.getElementById('main')?.focus()
    }
    addEventListener('hashchange', draw)
    return () => removeEventListener('hashchange', draw)
  }, [])
  return id
}
