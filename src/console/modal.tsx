import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

interface Props {
  /** The id of the dialog's heading. */
  readonly titleId: string
  readonly onClose: () => void
  readonly children: ComponentChildren
}

/** A modal dialog. Escape closes it; closing returns the focus to the element that had it. */
export function Modal({ titleId, onClose, children }: Props) {
  const dialogRef = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const previousFocus = document.activeElement
    dialogRef.current?.showModal()
    return () => {
      if (previousFocus instanceof HTMLElement) previousFocus.focus()
    }
  }, [])
  return (
    <dialog ref={dialogRef} onClose={onClose} aria-labelledby={titleId}>
      {children}
    </dialog>
  )
}
