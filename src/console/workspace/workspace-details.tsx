import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import type { Workspace } from '../../client/client.ts'
import { countdown, formatTime } from '../time-format.ts'
import { useNow } from '../use-now.ts'

/** The connection and the details of a workspace. Everything is rendered as text, never as markup. */
export function WorkspaceDetails({ workspace }: { readonly workspace: Workspace }) {
  const now = useNow()
  const { connection_info: connection, metadata } = workspace
  return (
    <div class="columns">
      <section class="panel" aria-labelledby="connection">
        <h2 id="connection">Connection</h2>
        {connection === undefined ? (
          <p class="placeholder">Available while the workspace is running.</p>
        ) : (
          <dl>
            {Object.entries(connection).map(([name, value]) =>
              typeof value === 'object' ? (
                Object.entries(value).map(([containerPort, hostPort]) => (
                  <DetailRow key={containerPort} name={`port ${containerPort}`}>
                    <CopyableText text={`127.0.0.1:${hostPort}`} />
                  </DetailRow>
                ))
              ) : (
                <DetailRow key={name} name={name.replaceAll('_', ' ')}>
                  <CopyableText text={String(value)} />
                </DetailRow>
              ),
            )}
          </dl>
        )}
      </section>
      <section class="panel" aria-labelledby="details">
        <h2 id="details">Details</h2>
        <dl>
          <DetailRow name="owner">{workspace.owner}</DetailRow>
          <DetailRow name="template">{workspace.template}</DetailRow>
          <DetailRow name="provider">{workspace.provider}</DetailRow>
          <DetailRow name="created">{formatTime(workspace.created_at, now)}</DetailRow>
          <DetailRow name="expires">
            {workspace.expires_at === undefined ? 'never' : countdown(workspace.expires_at, now)}
          </DetailRow>
          <DetailRow name="id">
            <CopyableText text={workspace.id} />
          </DetailRow>
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

function DetailRow({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div class="detail-row">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

/** Text with a button that copies it to the clipboard. */
function CopyableText({ text }: { readonly text: string }) {
  const [copyStatus, setCopyStatus] = useState('')
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      setCopyStatus('Copied')
    } catch {
      setCopyStatus('The browser denies access to the clipboard. Copy the text by hand.') // no permission, or no secure context
    }
  }
  return (
    <span class="copyable">
      <code>{text}</code>
      <button type="button" class="secondary" onClick={() => void copy()} aria-label={`Copy ${text}`}>
        Copy
      </button>
      <span role="status" class="muted">
        {copyStatus}
      </span>
    </span>
  )
}
