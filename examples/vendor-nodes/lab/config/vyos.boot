interfaces {
    ethernet eth0 {
        description "Management"
    }
    ethernet eth1 {
        address "10.10.0.1/24"
    }
    ethernet eth2 {
        address "10.20.0.1/24"
    }
    loopback lo {
    }
}
firewall {
    ipv4 {
        forward {
            filter {
                default-action "drop"
                rule 100 {
                    action "accept"
                    state "established"
                }
                rule 110 {
                    action "accept"
                    description "planning-to-hmi"
                    protocol "tcp"
                    source {
                        address "10.10.0.10"
                    }
                    destination {
                        address "10.20.0.20"
                        port "8080"
                    }
                }
                rule 120 {
                    action "accept"
                    description "reports"
                    protocol "tcp"
                    source {
                        address "10.20.0.9"
                    }
                    destination {
                        address "10.10.0.10"
                        port "8080"
                    }
                }
            }
        }
    }
}
service {
    ssh {
        listen-address "0.0.0.0"
    }
}
system {
    config-management {
        commit-confirm {
            action "reload"
        }
        commit-revisions "100"
    }
    host-name {{ .ShortName }}
    login {
        user admin {
            authentication {
                plaintext-password "admin"
            }
        }
    }
}
