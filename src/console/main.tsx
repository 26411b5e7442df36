import { render } from 'preact'
import { ConsoleApp } from './console-app.tsx'

const place = document.getElementById('console')
// The page lies in `…/console/`, and the API beside it, whatever a proxy puts in front of both.
const url = new URL('..', document.baseURI).href.replace(/\/$/, '')
if (place) render(<ConsoleApp url={url} />, place)
