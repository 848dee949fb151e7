#!/bin/bash
# What a user does with the installed package, on a machine that systemd has booted.
# boot_linux_test.go runs it, and has put server.pem, server.key and ca.pem into /etc/lockd.
set -eEx
trap 'journalctl -u lockd --no-pager --lines 30' ERR

# within waits until a command succeeds, for at most ten seconds.
within() {
	{ set +x; } 2>/dev/null
	for _ in {1..100}; do
		if "$@" >/dev/null 2>&1; then break; fi
		sleep 0.1
	done
	set -x
	"$@"
}
shows() { [ "$(systemctl show lockd --property "$1" --value)" = "$2" ]; }
page() { # PATH TEXT: the HTTP port shows the text under the path
	exec 4<>/dev/tcp/127.0.0.1/9998
	printf 'GET %s HTTP/1.0\r\n\r\n' "$1" >&4
	grep -e "$2" <&4
}
answer() { # LINE REPLY: the connection that is descriptor 3 gets the reply
	echo "$1" >&3
	read -r -t 10 -u 3 reply
	[ "$reply" = "$2" ]
}
fails() { if "$@"; then return 1; fi; }
as_nobody() { setpriv --reuid nobody --regid nogroup "$@"; }

: the service: a lock is seen on the page and in the metrics, and so is its orphan
systemctl start lockd
exec 3<>/dev/tcp/127.0.0.1/9999
answer 'g demo' '1 Lock Get Success: demo'
within shows StatusText '1 lock held, 1 connection'
page / '>demo<'
page /metrics '^lockd_holders{table="exclusive"} 1$'
exec 3>&-
within page /metrics '^lockd_holders{table="exclusive"} 0$'
page /metrics '^lockd_orphans_total{table="exclusive"} 1$'

: all of the protocol works in the confines of the unit
lockcheck conform -addr 127.0.0.1:9999 -ws ws://127.0.0.1:9998/ -quiet

: a daemon that is killed or stuck is started again, and tokens grow on
first=$(lockctl run job -- printenv LOCKD_TOKEN)
systemctl kill --signal KILL lockd
within shows NRestarts 1
mkdir -p /run/systemd/system/lockd.service.d
printf '[Service]\nWatchdogSec=1s\n' >/run/systemd/system/lockd.service.d/watchdog.conf
systemctl daemon-reload
systemctl restart lockd
kill -STOP "$(systemctl show lockd --property MainPID --value)"
within shows NRestarts 1
within lockctl ping
[ "$(lockctl run job -- printenv LOCKD_TOKEN)" -gt "$first" ]

: a private key that only the group may read, and a unix socket for the group
chgrp lockd /etc/lockd/server.key
chmod 640 /etc/lockd/server.key
cat >>/etc/lockd/lockd.conf <<END
tls-cert /etc/lockd/server.pem
tls-key /etc/lockd/server.key
unix /run/lockd/socket
END
systemctl restart lockd
lockctl -addr tls://127.0.0.1:9999 -tls-ca /etc/lockd/ca.pem ping
systemctl reload lockd
lockctl -addr tls://127.0.0.1:9999 -tls-ca /etc/lockd/ca.pem ping
as_nobody --groups lockd lockctl -addr unix:/run/lockd/socket ping
fails as_nobody --clear-groups lockctl -addr unix:/run/lockd/socket ping

: systemd listens, the first connection starts the daemon, and no restart refuses one
systemctl stop lockd
sed -i '/^tls-/d; /^unix/d' /etc/lockd/lockd.conf
systemctl start lockd.socket
shows ActiveState inactive
lockctl ping
shows ActiveState active
as_nobody --groups lockd lockctl -addr unix:/run/lockd.sock ping
fails as_nobody --clear-groups lockctl -addr unix:/run/lockd.sock ping
systemctl restart lockd &
for _ in {1..50}; do
	lockctl ping >/dev/null
done
wait $!
