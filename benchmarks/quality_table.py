def page(whole, bare, tricky):
    out=[]
    for mode,rows in (("as is",whole),("stripped",bare)):
        ok=miss=0
        for j in rows:
            ms=[f"{c.field}: {c.expected} / {c.got}" for c in j.cells if c.verdict=="miss"]
            ok+=sum(c.verdict=="ok" for c in j.cells); miss+=len(ms)
            out.append(f"{mode:9}{j.entry.id:60} {j.plan:30} {[ (s.what,s.stated,round(s.doublings,1)) for s in j.sizes]} || "+"; ".join(ms))
        out.append(f"== {mode} {ok}/{ok+miss}")
    for t in tricky: out.append(f"{t.ok} {t.case.kind} :: {t.got[:400]}")
    return "\n".join(out)
