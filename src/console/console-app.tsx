import { useEffect, useMemo, useState } from 'preact/hooks'
import { ApiError } from '../client/api-error.ts'
import type { Client } from '../client/client.ts'
import { apiClient } from '../client/client.ts'
import { ConnectionBadge } from './connection-badge.tsx'
import { errorText } from './error-text.ts'
import { FleetPage } from './fleet/fleet-page.tsx'
import { fleetStore } from './fleet/fleet-store.ts'
import { HealthBadge } from './health-badge.tsx'
import { SignInForm } from './sign-in-form.tsx'
import { WorkspacePage } from './workspace/workspace-page.tsx'

type AuthState =
  | { readonly kind: 'checking' }
  | { readonly kind: 'signed-out'; readonly error: string | null }
  | { readonly kind: 'error'; readonly message: string }
  | { readonly kind: 'signed-in'; readonly client: Client; readonly user: string | null; readonly operator: boolean }

const userStorageKey = 'vm-api-user'

/** The console: sign-in, then the fleet or one workspace, depending on the URL's hash. */
export function ConsoleApp({ url }: { readonly url: string }) {
  const [authState, setAuthState] = useState<AuthState>({ kind: 'checking' })

  async function signIn(user: string | null): Promise<AuthState> {
    const client = apiClient({ url, user })
    return { kind: 'signed-in', client, user, operator: await client.isOperator() }
  }

  /** Behind a proxy the service knows the user. Otherwise the stored name is tried before the form is shown. */
  async function authenticate() {
    setAuthState({ kind: 'checking' })
    const storedName = localStorage.getItem(userStorageKey)
    let rejection: string | null = null
    for (const user of [null, ...(storedName === null ? [] : [storedName])])
      try {
        return setAuthState(await signIn(user))
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 401)
          return setAuthState({ kind: 'error', message: errorText(error) })
        rejection = user === null ? null : error.message
      }
    setAuthState({ kind: 'signed-out', error: rejection })
  }

  async function signInAs(name: string) {
    try {
      const next = await signIn(name)
      localStorage.setItem(userStorageKey, name)
      setAuthState(next)
    } catch (error) {
      setAuthState({ kind: 'signed-out', error: errorText(error) })
    }
  }

  function signOut() {
    localStorage.removeItem(userStorageKey)
    setAuthState({ kind: 'signed-out', error: null })
  }

  useEffect(() => void authenticate(), [url])

  if (authState.kind === 'signed-in')
    return <SignedInApp key={authState.user ?? ''} {...authState} onSignOut={signOut} />
  return (
    <main class="sign-in">
      <h1>vm-api console</h1>
      {authState.kind === 'checking' && <p role="status">Signing in…</p>}
      {authState.kind === 'signed-out' && (
        <SignInForm error={authState.error} onSubmit={(name) => void signInAs(name)} />
      )}
      {authState.kind === 'error' && (
        <div class="notice error" role="alert">
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
        class="skip-link"
        href="#main"
        onClick={(event) => (event.preventDefault(), document.getElementById('main')?.focus())}
      >
        Skip to the content
      </a>
      <header class="app-header">
        <a class="brand" href="#/">
          vm-api
        </a>
        <ConnectionBadge fleet={fleet} />
        <HealthBadge client={client} />
        <span class="current-user">
          {user === null ? 'Signed in by the proxy' : user}
          {operator && ' (operator)'}
          {user !== null && (
            <button type="button" class="secondary" onClick={onSignOut}>
              Change user
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

/** The workspace that the URL's hash names: `#/workspaces/<id>`. */
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
