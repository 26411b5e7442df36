import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Workspace } from '../client/client.ts'
import { timeText } from './moment.ts'
import { StateBadge } from './state-badge.tsx'
import { countdown } from './urgent.tsx'
import { useNow } from './use-fleet.ts'

interface Props {
  readonly workspaces: readonly Workspace[]
  readonly chosen: ReadonlySet<string>
  readonly choose: (chosen: ReadonlySet<string>) => void
  readonly operator: boolean
}

/** As the style sheet has it: only the rows in sight are drawn, so each has to be as high as the others. */
const rowHeight = 44
const spare = 8

/** Any number of workspaces. Arrow keys go from row to row. */
export function WorkspaceTable({ workspaces, chosen, choose, operator }: Props) {
  const now = useNow()
  const frame = useRef<HTMLDivElement>(null)
  const [top, setTop] = useState(0)
  const [height, setHeight] = useState(560)
  const wanted = useRef<number | null>(null)
  const first = Math.max(0, Math.min(Math.floor(top / rowHeight) - spare, workspaces.length - 1))
  const last = Math.min(workspaces.length, Math.ceil((top + height) / rowHeight) + spare)

  useLayoutEffect(() => {
    if (frame.current) setHeight(frame.current.clientHeight)
  }, [])

  useLayoutEffect(() => {
    const row = frame.current?.querySelector<HTMLElement>(`tr[aria-rowindex="${(wanted.current ?? -3) + 2}"] a`)
    if (!row) return
    wanted.current = null
    row.focus()
  })

  function walk(event: KeyboardEvent) {
    const row = event.target instanceof Element ? event.target.closest('tr[aria-rowindex]') : null
    const move = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 }[event.key]
    const view = frame.current
    if (!row || move === undefined || !view) return
    event.preventDefault()
    const to = Math.max(0, Math.min(workspaces.length - 1, Number(row.getAttribute('aria-rowindex')) - 2 + move))
    wanted.current = to
    // The head stays over the rows.
    if (to * rowHeight < view.scrollTop) view.scrollTop = to * rowHeight
    else if ((to + 2) * rowHeight > view.scrollTop + view.clientHeight)
      view.scrollTop = (to + 2) * rowHeight - view.clientHeight
    setTop(view.scrollTop + Math.random() / 1000)
  }

  function toggle(id: string, on: boolean) {
    const next = new Set(chosen)
    if (on) next.add(id)
    else next.delete(id)
    choose(next)
  }

  const all = workspaces.length > 0 && workspaces.every(({ id }) => chosen.has(id))
  return (
    <div
      class="table-frame"
      ref={frame}
      tabIndex={0}
      role="region"
      aria-label="Table of workspaces, scrolls"
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
      onKeyDown={walk}
    >
      <table aria-rowcount={workspaces.length + 1} aria-labelledby="table-title">
        <thead>
          <tr aria-rowindex={1}>
            <th class="check">
              <input
                type="checkbox"
                checked={all}
                aria-label="Choose all that are listed"
                onChange={() => choose(all ? new Set() : new Set(workspaces.map(({ id }) => id)))}
              />
            </th>
            <th>Name</th>
            {operator && <th class="less">Owner</th>}
            <th class="less">Template</th>
            <th>State</th>
            <th class="less">Expires</th>
            <th class="less">Changed</th>
          </tr>
        </thead>
        <tbody>
          <Space rows={first} />
          {workspaces.slice(first, last).map((workspace, index) => {
            const { expires_at, id, name, owner, template, updated_at } = workspace
            return (
              <tr key={id} aria-rowindex={first + index + 2} class={chosen.has(id) ? 'chosen' : undefined}>
                <td class="check">
                  <input
                    type="checkbox"
                    checked={chosen.has(id)}
                    aria-label={`Choose ${name} of ${owner}`}
                    onChange={(event) => toggle(id, event.currentTarget.checked)}
                  />
                </td>
                <td class="name">
                  <a href={`#/workspaces/${id}`} title={name}>
                    {name}
                  </a>
                </td>
                {operator && <td class="less">{owner}</td>}
                <td class="less">{template}</td>
                <td>
                  <StateBadge workspace={workspace} />
                </td>
                <td class="less">{expires_at === undefined ? 'never' : countdown(expires_at, now)}</td>
                <td class="less">{timeText(updated_at, now)}</td>
              </tr>
            )
          })}
          <Space rows={workspaces.length - last} />
        </tbody>
      </table>
    </div>
  )
}

/** Stands for the rows that are not drawn. */
function Space({ rows }: { readonly rows: number }) {
  if (rows <= 0) return null
  return (
    <tr aria-hidden="true" style={{ height: `${rows * rowHeight}px` }}>
      <td colSpan={7} class="space" />
    </tr>
  )
}
