import { render } from 'preact'
import { ConsoleApp } from './console-app.tsx'

const container = document.getElementById('console')
// The page is served at `…/console/` and the API beside it, under whatever prefix a proxy adds.
const url = new URL('..', document.baseURI).href.replace(/\/$/, '')
if (container) render(<ConsoleApp url={url} />, container)
