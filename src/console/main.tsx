import { render } from 'preact'
import { ConsoleApp } from './console-app.tsx'

const container = document.getElementById('console')
// The page lies in `…/console/`, and the API beside it, whatever a proxy puts in front of both.
const url = new URL('..', document.baseURI).href.replace(/\/$/, '')
if (container) render(<ConsoleApp url={url} />, container)
