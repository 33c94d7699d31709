/** Of the documentation page. Follows the reader's light or dark. */
export const style = `
:root{color-scheme:light dark;--line:#8884;--soft:#8882;--link:#2563eb}
@media(prefers-color-scheme:dark){:root{--link:#7dabff}}
body{margin:0;font:16px/1.55 system-ui,sans-serif}
header,main{max-width:60rem;margin:auto;padding:1rem}
header h1{margin:.5rem 0 0}header p{margin:.2rem 0}
code,pre,textarea,input,select{font:14px/1.5 ui-monospace,monospace}
pre{background:var(--soft);padding:1rem;overflow:auto;max-height:32rem;border-radius:.4rem;white-space:pre-wrap;word-break:break-word}
form label{display:block;margin:.5rem 0}input,textarea,select{padding:.4rem;border:1px solid var(--line);border-radius:.3rem;background:transparent;color:inherit}
textarea,form label input{width:100%;box-sizing:border-box}.row{display:flex;gap:.5rem}.row input{flex:1;min-width:0}
button{padding:.4rem .8rem;border:1px solid var(--line);border-radius:.3rem;background:var(--soft);color:inherit;cursor:pointer;font:inherit}
button.step{background:none;border:0;padding:0;color:var(--link);text-align:left}
button.step:hover{text-decoration:underline}
details{border-top:1px solid var(--line);padding:.5rem 0}summary{cursor:pointer}summary span{opacity:.6}
table{border-collapse:collapse;width:100%;font-size:14px}td{padding:.25rem .5rem .25rem 0;vertical-align:top;word-break:break-word}
td.get{color:#16a34a}td.post,td.put,td.patch{color:#d97706}td.delete{color:#dc2626}
a{color:var(--link)}h4{margin:1rem 0 .3rem}small{opacity:.6;font-weight:normal}
`
