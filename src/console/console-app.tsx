import { useEffect, useMemo, useState } from 'preact/hooks'
import { ApiError } from '../client/api-error.ts'
import type { Client } from '../client/client.ts'
import { apiClient } from '../client/client.ts'
import { FleetPage } from './fleet/fleet-page.tsx'
import type { FleetStore } from './fleet/fleet-store.ts'
import { fleetStore, errorText } from './fleet/fleet-store.ts'
import { HealthBadge } from './health-badge.tsx'
import { useFleet } from './fleet/use-fleet.ts'
import { SignInForm } from './sign-in-form.tsx'
import { WorkspacePage } from './workspace/workspace-page.tsx'

type AuthState =
  | { readonly kind: 'asking' }
  | { readonly kind: 'who'; readonly error: string | null }
  | { readonly kind: 'trouble'; readonly message: string }
  | { readonly kind: 'in'; readonly client: Client; readonly user: string | null; readonly operator: boolean }

const userStorageKey = 'vm-api-user'

/** The whole page: who it is, then the fleet or one workspace, by the address. */
export function ConsoleApp({ url }: { readonly url: string }) {
  const [authState, setAuthState] = useState<AuthState>({ kind: 'asking' })

  async function signIn(user: string | null): Promise<AuthState> {
    const client = apiClient({ url, user })
    return { kind: 'in', client, user, operator: await client.isOperator() }
  }

  /** Behind a proxy the service knows who it is; else the name that was kept is tried, and then asked for. */
  async function authenticate() {
    setAuthState({ kind: 'asking' })
    const name = localStorage.getItem(userStorageKey)
    let rejection: string | null = null
    for (const user of [null, ...(name === null ? [] : [name])])
      try {
        return setAuthState(await signIn(user))
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 401)
          return setAuthState({ kind: 'trouble', message: errorText(error) })
        rejection = user === null ? null : error.message
      }
    setAuthState({ kind: 'who', error: rejection })
  }

  async function signInAs(name: string) {
    try {
      const next = await signIn(name)
      localStorage.setItem(userStorageKey, name)
      setAuthState(next)
    } catch (error) {
      setAuthState({ kind: 'who', error: errorText(error) })
    }
  }

  function signOut() {
    localStorage.removeItem(userStorageKey)
    setAuthState({ kind: 'who', error: null })
  }

  useEffect(() => void authenticate(), [url])

  if (authState.kind === 'in') return <SignedInApp key={authState.user ?? ''} {...authState} onSignOut={signOut} />
  return (
    <main class="gate">
      <h1>vm-api console</h1>
      {authState.kind === 'asking' && <p role="status">Asking the service…</p>}
      {authState.kind === 'who' && <SignInForm error={authState.error} onSubmit={(name) => void signInAs(name)} />}
      {authState.kind === 'trouble' && (
        <div class="notice trouble" role="alert">
          <p>{authState.message}</p>
          <button type="button" onClick={() => void authenticate()}>
            Try again
          </button>
        </div>
      )}
    </main>
  )
}

interface SignedInProps {
  readonly client: Client
  readonly user: string | null
  readonly operator: boolean
  readonly onSignOut: () => void
}

function SignedInApp({ client, user, operator, onSignOut }: SignedInProps) {
  const fleet = useMemo(() => fleetStore(client), [client])
  useEffect(() => () => fleet.close(), [fleet])
  const id = useWorkspaceIdFromHash()
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
        <ConnectionBadge fleet={fleet} />
        <HealthBadge client={client} />
        <span class="who">
          {user === null ? 'Signed in by the proxy' : user}
          {operator && ' (operator)'}
          {user !== null && (
            <button type="button" class="quiet" onClick={onSignOut}>
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

const connectionLabels = { connecting: 'Connecting…', live: 'Live', lost: 'Connection lost, trying again…' } as const

function ConnectionBadge({ fleet }: { readonly fleet: FleetStore }) {
  const { connection } = useFleet(fleet)
  return (
    <span class={`badge feed-${connection}`} role="status">
      <span class="dot" aria-hidden="true" />
      {connectionLabels[connection]}
    </span>
  )
}

/** The workspace that the address names: `#/workspaces/<id>`. */
function useWorkspaceIdFromHash(): string | null {
  const readHash = () => /^#\/workspaces\/([\w-]+)$/.exec(location.hash)?.[1] ?? null
  const [id, setId] = useState(readHash)
  useEffect(() => {
    const update = () => {
      setId(readHash())
      scrollTo(0, 0)
      document.getElementById('main')?.focus()
    }
    addEventListener('hashchange', update)
    return () => removeEventListener('hashchange', update)
  }, [])
  return id
}
