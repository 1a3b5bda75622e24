/**
 * Every stored key, its record, and its one writer. A record that wants a second writer is two records.
 *
 * | space          | key                      | writer                                     |
 * |----------------|--------------------------|--------------------------------------------|
 * | instances      | <project>/<name>         | controller/instances (API and sagas)       |
 * | status         | <instance id>            | reconciler observe                         |
 * | nodes          | <name>                   | controller/cluster                         |
 * | node-status    | <name>                   | reconciler observe                         |
 * | allocations    | <node>                   | controller/instances, with the instance    |
 * | addresses      | <network>/<address>      | controller/instances, with the instance    |
 * | locks          | <kind>/<path>            | saga engine, with the saga                 |
 * | sagas          | <operation id>           | saga engine                                |
 * | sessions       | <operation id>           | controller/sessions (exec, tokens)         |
 * | images         | <project>/<fingerprint>  | controller/images                          |
 * | image-aliases  | <project>/<name>         | controller/images                          |
 * | profiles       | <project>/<name>         | controller/profiles                        |
 * | networks       | <name>                   | controller/networks                        |
 * | pools          | <name>                   | controller/pools                           |
 * | certificates   | <fingerprint>            | controller/trust                           |
 * | tokens         | <operation id>           | controller/trust                           |
 * | secrets        | cluster                  | controller/trust, once                     |
 * | server         | config                   | controller/lxd server config               |
 * | controllers    | <name>                   | that controller, under its lease           |
 * | leader         | (one key)                | the elected controller, under its lease    |
 */
export {};
