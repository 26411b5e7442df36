import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Workspace } from '../../client/client.ts'
import { countdown, formatTime } from '../time-format.ts'
import { useNow } from '../use-now.ts'
import { StateBadge } from '../workspace/state-badge.tsx'

interface Props {
  readonly workspaces: readonly Workspace[]
  readonly selectedIds: ReadonlySet<string>
  readonly onSelect: (selectedIds: ReadonlySet<string>) => void
  readonly operator: boolean
}

/** In pixels, as in console.css. Only visible rows are rendered, so all rows must have the same height. */
const rowHeight = 44
const overscan = 8
/** `aria-rowindex` counts from 1, and the header is row 1. */
const firstAriaRow = 2

/** A virtual table of any number of workspaces. The arrow keys move the focus between rows. */
export function WorkspaceTable({ workspaces, selectedIds, onSelect, operator }: Props) {
  const now = useNow()
  const { viewportRef, firstRow, lastRow, onScroll, onKeyDown } = useVirtualRows(workspaces.length)
  const allSelected = workspaces.length > 0 && workspaces.every(({ id }) => selectedIds.has(id))

  function toggle(id: string, isSelected: boolean) {
    const next = new Set(selectedIds)
    if (isSelected) next.add(id)
    else next.delete(id)
    onSelect(next)
  }

  return (
    <div
      class="table-viewport"
      ref={viewportRef}
      tabIndex={0}
      role="region"
      aria-label="Table of workspaces, scrollable"
      onScroll={onScroll}
      onKeyDown={onKeyDown}
    >
      <table aria-rowcount={workspaces.length + 1} aria-labelledby="table-title">
        <thead>
          <tr aria-rowindex={1}>
            <th class="checkbox-cell">
              <input
                type="checkbox"
                checked={allSelected}
                aria-label="Select all listed workspaces"
                onChange={() => onSelect(allSelected ? new Set() : new Set(workspaces.map(({ id }) => id)))}
              />
            </th>
            <th>Name</th>
            {operator && <th class="hide-on-small">Owner</th>}
            <th class="hide-on-small">Template</th>
            <th>State</th>
            <th class="hide-on-small">Expires</th>
            <th class="hide-on-small">Changed</th>
          </tr>
        </thead>
        <tbody>
          <RowSpacer rows={firstRow} />
          {workspaces.slice(firstRow, lastRow).map((workspace, index) => (
            <WorkspaceRow
              key={workspace.id}
              workspace={workspace}
              ariaRow={firstRow + index + firstAriaRow}
              isSelected={selectedIds.has(workspace.id)}
              onToggle={(isSelected) => toggle(workspace.id, isSelected)}
              operator={operator}
              now={now}
            />
          ))}
          <RowSpacer rows={workspaces.length - lastRow} />
        </tbody>
      </table>
    </div>
  )
}

interface RowProps {
  readonly workspace: Workspace
  readonly ariaRow: number
  readonly isSelected: boolean
  readonly onToggle: (isSelected: boolean) => void
  readonly operator: boolean
  readonly now: number
}

function WorkspaceRow({ workspace, ariaRow, isSelected, onToggle, operator, now }: RowProps) {
  const { expires_at, id, name, owner, template, updated_at } = workspace
  return (
    <tr aria-rowindex={ariaRow} class={isSelected ? 'selected' : undefined}>
      <td class="checkbox-cell">
        <input
          type="checkbox"
          checked={isSelected}
          aria-label={`Select ${name} of ${owner}`}
          onChange={(event) => onToggle(event.currentTarget.checked)}
        />
      </td>
      <td class="name">
        <a href={`#/workspaces/${id}`} title={name}>
          {name}
        </a>
      </td>
      {operator && <td class="hide-on-small">{owner}</td>}
      <td class="hide-on-small">{template}</td>
      <td>
        <StateBadge workspace={workspace} />
      </td>
      <td class="hide-on-small">{expires_at === undefined ? 'never' : countdown(expires_at, now)}</td>
      <td class="hide-on-small">{formatTime(updated_at, now)}</td>
    </tr>
  )
}

/** Which rows are visible, and how the keyboard moves the focus between them. */
function useVirtualRows(rowCount: number) {
  const viewportRef = useRef<HTMLDivElement>(null)
  const [scrollTop, setScrollTop] = useState(0)
  const [viewportHeight, setViewportHeight] = useState(560)
  const [focusRequest, setFocusRequest] = useState<{ readonly row: number } | null>(null)
  const firstRow = Math.max(0, Math.min(Math.floor(scrollTop / rowHeight) - overscan, rowCount - 1))
  const lastRow = Math.min(rowCount, Math.ceil((scrollTop + viewportHeight) / rowHeight) + overscan)

  useLayoutEffect(() => {
    if (viewportRef.current) setViewportHeight(viewportRef.current.clientHeight)
  }, [])

  // The target row may not exist before this render.
  useLayoutEffect(() => {
    if (focusRequest)
      viewportRef.current
        ?.querySelector<HTMLElement>(`tr[aria-rowindex="${focusRequest.row + firstAriaRow}"] a`)
        ?.focus()
  }, [focusRequest])

  function onKeyDown(event: KeyboardEvent) {
    const row = event.target instanceof Element ? event.target.closest('tr[aria-rowindex]') : null
    const offset = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 }[event.key]
    const viewport = viewportRef.current
    if (!row || offset === undefined || !viewport) return
    event.preventDefault()
    const currentRow = Number(row.getAttribute('aria-rowindex')) - firstAriaRow
    const targetRow = Math.max(0, Math.min(rowCount - 1, currentRow + offset))
    // The sticky header covers one row.
    if (targetRow * rowHeight < viewport.scrollTop) viewport.scrollTop = targetRow * rowHeight
    else if ((targetRow + 2) * rowHeight > viewport.scrollTop + viewport.clientHeight)
      viewport.scrollTop = (targetRow + 2) * rowHeight - viewport.clientHeight
    setScrollTop(viewport.scrollTop)
    setFocusRequest({ row: targetRow })
  }

  return {
    viewportRef,
    firstRow,
    lastRow,
    onScroll: (event: { readonly currentTarget: HTMLElement }) => setScrollTop(event.currentTarget.scrollTop),
    onKeyDown,
  }
}

/** Takes the space of rows that are not rendered. */
function RowSpacer({ rows }: { readonly rows: number }) {
  if (rows <= 0) return null
  return (
    <tr aria-hidden="true" style={{ height: `${rows * rowHeight}px` }}>
      <td colSpan={7} class="row-spacer" />
    </tr>
  )
}
