import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Workspace } from '../../client/client.ts'
import { formatTime } from '../time-format.ts'
import { StateBadge } from '../workspace/state-badge.tsx'
import { countdown } from './alerts.tsx'
import { useNow } from './use-fleet.ts'

interface Props {
  readonly workspaces: readonly Workspace[]
  readonly selectedIds: ReadonlySet<string>
  readonly onSelect: (selectedIds: ReadonlySet<string>) => void
  readonly operator: boolean
}

/** As the style sheet has it: only the rows in sight are drawn, so each has to be as high as the others. */
const rowHeight = 44
const overscan = 8

/** Any number of workspaces. Arrow keys go from row to row. */
export function WorkspaceTable({ workspaces, selectedIds, onSelect, operator }: Props) {
  const now = useNow()
  const viewportRef = useRef<HTMLDivElement>(null)
  const [scrollTop, setScrollTop] = useState(0)
  const [viewportHeight, setViewportHeight] = useState(560)
  const rowToFocus = useRef<number | null>(null)
  const firstRow = Math.max(0, Math.min(Math.floor(scrollTop / rowHeight) - overscan, workspaces.length - 1))
  const lastRow = Math.min(workspaces.length, Math.ceil((scrollTop + viewportHeight) / rowHeight) + overscan)

  useLayoutEffect(() => {
    if (viewportRef.current) setViewportHeight(viewportRef.current.clientHeight)
  }, [])

  useLayoutEffect(() => {
    const row = viewportRef.current?.querySelector<HTMLElement>(
      `tr[aria-rowindex="${(rowToFocus.current ?? -3) + 2}"] a`,
    )
    if (!row) return
    rowToFocus.current = null
    row.focus()
  })

  function moveFocus(event: KeyboardEvent) {
    const row = event.target instanceof Element ? event.target.closest('tr[aria-rowindex]') : null
    const offset = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 }[event.key]
    const viewport = viewportRef.current
    if (!row || offset === undefined || !viewport) return
    event.preventDefault()
    const targetRow = Math.max(
      0,
      Math.min(workspaces.length - 1, Number(row.getAttribute('aria-rowindex')) - 2 + offset),
    )
    rowToFocus.current = targetRow
    // The head stays over the rows.
    if (targetRow * rowHeight < viewport.scrollTop) viewport.scrollTop = targetRow * rowHeight
    else if ((targetRow + 2) * rowHeight > viewport.scrollTop + viewport.clientHeight)
      viewport.scrollTop = (targetRow + 2) * rowHeight - viewport.clientHeight
    setScrollTop(viewport.scrollTop + Math.random() / 1000)
  }

  function toggle(id: string, isSelected: boolean) {
    const next = new Set(selectedIds)
    if (isSelected) next.add(id)
    else next.delete(id)
    onSelect(next)
  }

  const allSelected = workspaces.length > 0 && workspaces.every(({ id }) => selectedIds.has(id))
  return (
    <div
      class="table-frame"
      ref={viewportRef}
      tabIndex={0}
      role="region"
      aria-label="Table of workspaces, scrolls"
      onScroll={(event) => setScrollTop(event.currentTarget.scrollTop)}
      onKeyDown={moveFocus}
    >
      <table aria-rowcount={workspaces.length + 1} aria-labelledby="table-title">
        <thead>
          <tr aria-rowindex={1}>
            <th class="check">
              <input
                type="checkbox"
                checked={allSelected}
                aria-label="Choose all that are listed"
                onChange={() => onSelect(allSelected ? new Set() : new Set(workspaces.map(({ id }) => id)))}
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
          <RowSpacer rows={firstRow} />
          {workspaces.slice(firstRow, lastRow).map((workspace, index) => {
            const { expires_at, id, name, owner, template, updated_at } = workspace
            return (
              <tr key={id} aria-rowindex={firstRow + index + 2} class={selectedIds.has(id) ? 'chosen' : undefined}>
                <td class="check">
                  <input
                    type="checkbox"
                    checked={selectedIds.has(id)}
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
                <td class="less">{formatTime(updated_at, now)}</td>
              </tr>
            )
          })}
          <RowSpacer rows={workspaces.length - lastRow} />
        </tbody>
      </table>
    </div>
  )
}

/** Stands for the rows that are not drawn. */
function RowSpacer({ rows }: { readonly rows: number }) {
  if (rows <= 0) return null
  return (
    <tr aria-hidden="true" style={{ height: `${rows * rowHeight}px` }}>
      <td colSpan={7} class="space" />
    </tr>
  )
}
