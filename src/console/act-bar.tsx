import { useState } from 'preact/hooks'
import type { Client, Workspace } from '../client/client.ts'
import type { Act, Outcome } from './act.ts'
import { accepts, actName, acts, perform } from './act.ts'
import { AskFirst } from './ask-first.tsx'
import { said } from './fleet.ts'
import type { Fleet } from './fleet.ts'

interface Props {
  readonly client: Client
  readonly fleet: Fleet
  readonly chosen: readonly Workspace[]
}

/** The buttons for what the chosen workspaces accept; what they refuse stands below, with the reason. */
export function ActBar({ client, fleet, chosen }: Props) {
  const [asked, setAsked] = useState<'extend' | 'delete' | null>(null)
  const [busy, setBusy] = useState<Act | null>(null)
  const [told, setTold] = useState<{ readonly text: string; readonly bad: boolean } | null>(null)

  async function go(act: Act, ttlSeconds: number | null = null) {
    setAsked(null)
    setBusy(act)
    setTold(null)
    try {
      setTold(wordsOf(act, await perform({ client, fleet }, act, chosen, ttlSeconds)))
    } catch (error) {
      setTold({ text: said(error), bad: true })
    } finally {
      setBusy(null)
    }
  }

  const refused = acts.filter((act) => !chosen.some((workspace) => accepts(workspace, act)))
  return (
    <div class="acts">
      <div class="row" role="group" aria-label="Commands">
        {acts.map((act) => {
          const ready = chosen.filter((workspace) => accepts(workspace, act))
          const off = ready.length === 0 || busy !== null
          return (
            <button
              key={act}
              type="button"
              class={act === 'delete' ? 'danger' : undefined}
              aria-disabled={off}
              aria-describedby={ready.length === 0 ? 'refused' : undefined}
              onClick={() => {
                if (off) return
                if (act === 'extend' || act === 'delete') setAsked(act)
                else void go(act)
              }}
            >
              {actName(act, ready)}
              {chosen.length > 1 && ` ${ready.length}`}
              {busy === act && '…'}
            </button>
          )
        })}
      </div>
      {refused.length > 0 && (
        <p id="refused" class="soft">
          {whyRefused(refused, chosen)}
        </p>
      )}
      <p role="status" class={told?.bad === true ? 'notice trouble' : 'soft'}>
        {told?.text}
      </p>
      {asked !== null && (
        <AskFirst
          act={asked}
          chosen={chosen.filter((workspace) => accepts(workspace, asked))}
          no={() => setAsked(null)}
          yes={(ttlSeconds) => void go(asked, ttlSeconds)}
        />
      )}
    </div>
  )
}

function whyRefused(refused: readonly Act[], chosen: readonly Workspace[]): string {
  const names = refused.map((act) => actName(act, []).toLowerCase()).join(', ')
  const states = [...new Set(chosen.map(({ state }) => state))]
  if (chosen.length === 0) return 'Choose workspaces in the table to command them.'
  return states.length === 1
    ? `Not possible while ${chosen.length === 1 ? 'it is' : 'they are'} ${states[0]}: ${names}.`
    : `None of the chosen accepts in its state: ${names}.`
}

function wordsOf(act: Act, { done, refused }: Outcome): { text: string; bad: boolean } {
  const name = actName(act, [])
  const good = done === 0 ? '' : `${name}: accepted${done > 1 ? ` for ${done}` : ''}. `
  const bad =
    refused.length === 0
      ? ''
      : `Refused for ${refused.slice(0, 3).join('; ')}${refused.length > 3 ? ` and ${refused.length - 3} more` : ''}`
  return { text: good + bad, bad: refused.length > 0 }
}
