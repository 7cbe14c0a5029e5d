// Judges mails by mailauth: a JSON array on standard input, one verdict for each on standard output.
//
// in:  [{raw (base64), ip, helo, sender, at}], and in the environment MAILAUTH, the folder of node_modules, and RESOLVER, the
//      host:port of the name server.
// out: [{spf, dkim: [[domain, result]], dmarc}]
import { createRequire } from 'node:module';
import { Resolver } from 'node:dns/promises';
import { readFileSync, writeFileSync } from 'node:fs';

const load = createRequire(process.env.MAILAUTH + '/');
const { dkimVerify } = load('mailauth/lib/dkim/verify');
const { spf } = load('mailauth/lib/spf');
const { dmarc } = load('mailauth/lib/dmarc');
console.log = console.error; // standard output is for the verdicts

const names = new Resolver();
names.setServers([process.env.RESOLVER]);
const resolver = (name, type) => names.resolve(name, type);

async function judge({ raw, ip, helo, sender, at }) {
    const keys = await dkimVerify(Buffer.from(raw, 'base64'), { resolver, sender, curTime: at });
    const path = await spf({ resolver, ip, helo, sender, mta: 'mx.portlumen.example' });
    const passed = keys.results.filter(r => r.status.result === 'pass');
    const policy = keys.headerFrom && await dmarc({
        resolver,
        headerFrom: keys.headerFrom,
        spfDomains: path && path.status.result === 'pass' ? [path.domain] : [],
        dkimDomains: passed.map(r => ({ id: r.id, domain: r.signingDomain, aligned: r.status.aligned, underSized: r.status.underSized }))
    });
    return {
        spf: path ? path.status.result : 'none',
        dkim: keys.results.filter(r => r.signingDomain).map(r => [r.signingDomain, r.status.result]),
        dmarc: policy ? policy.status.result : 'none'
    };
}

const verdicts = [];
for (const mail of JSON.parse(readFileSync(0))) {
    verdicts.push(await judge(mail));
}
writeFileSync(1, JSON.stringify(verdicts));
