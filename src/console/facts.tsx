import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import type { Workspace } from '../client/client.ts'
import { timeText } from './moment.ts'
import { countdown } from './urgent.tsx'
import { useNow } from './use-fleet.ts'

/** What there is to know of a workspace beside its state. All of it is shown as text. */
export function Facts({ workspace }: { readonly workspace: Workspace }) {
  const now = useNow()
  const { connection_info: connection, metadata } = workspace
  return (
    <div class="columns">
      <section class="panel" aria-labelledby="connection">
        <h2 id="connection">Connection</h2>
        {connection === undefined ? (
          <p class="pending">There is one while it runs.</p>
        ) : (
          <dl>
            {Object.entries(connection).map(([name, value]) =>
              typeof value === 'object' ? (
                Object.entries(value).map(([inside, outside]) => (
                  <Fact key={inside} name={`port ${inside}`}>
                    <Copied text={`127.0.0.1:${outside}`} />
                  </Fact>
                ))
              ) : (
                <Fact key={name} name={name.replaceAll('_', ' ')}>
                  <Copied text={String(value)} />
                </Fact>
              ),
            )}
          </dl>
        )}
      </section>
      <section class="panel" aria-labelledby="facts">
        <h2 id="facts">About it</h2>
        <dl>
          <Fact name="owner">{workspace.owner}</Fact>
          <Fact name="template">{workspace.template}</Fact>
          <Fact name="provider">{workspace.provider}</Fact>
          <Fact name="created">{timeText(workspace.created_at, now)}</Fact>
          <Fact name="expires">
            {workspace.expires_at === undefined ? 'never' : countdown(workspace.expires_at, now)}
          </Fact>
          <Fact name="id">
            <Copied text={workspace.id} />
          </Fact>
        </dl>
        {metadata !== undefined && (
          <>
            <h3>Metadata</h3>
            <pre tabIndex={0}>{JSON.stringify(metadata, null, 2)}</pre>
          </>
        )}
      </section>
    </div>
  )
}

export function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

/** A text with a button that copies it. */
export function Copied({ text }: { readonly text: string }) {
  const [told, setTold] = useState('')
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      setTold('Copied')
    } catch {
      setTold('Copy it by hand: the browser does not let the page') // no permission, or no secure context
    }
  }
  return (
    <span class="copied">
      <code>{text}</code>
      <button type="button" class="quiet" onClick={() => void copy()} aria-label={`Copy ${text}`}>
        Copy
      </button>
      <span role="status" class="soft">
        {told}
      </span>
    </span>
  )
}
