import { useState } from 'preact/hooks'

interface Props {
  /** Why the name before was not taken. */
  readonly error: string | null
  readonly onSubmit: (name: string) => void
}

/** Asks for a user's name. Nothing proves it: dev mode believes everybody. */
export function SignInForm({ error, onSubmit }: Props) {
  const [name, setName] = useState('')
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        onSubmit(name.trim())
      }}
    >
      <label for="who">Who are you?</label>
      <p id="who-meaning">The service runs in dev mode and believes the name. It is kept in this browser.</p>
      <div class="row">
        <input
          id="who"
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
          aria-describedby="who-meaning"
          autocomplete="username"
          maxLength={128}
          required
        />
        <button type="submit" class="main">
          Enter
        </button>
      </div>
      {error !== null && (
        <p class="notice trouble" role="alert">
          {error}
        </p>
      )}
    </form>
  )
}
