#!/bin/bash
# The first process of a host: a kernel of its own, whose root is that of the machine that runs it (hostfs).
# From the kernel's command line: ROLE (server, alpha, beta), ADDRESS, SERVER, WORK (a folder), MODULES, MOUNT_OPTIONS.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
for folder in /dev/shm /run /var/lib/nfs /mnt /srv; do mount -t tmpfs tmpfs $folder; done
mkdir -p /var/lib/nfs/{rpc_pipefs,v4recovery} /mnt/shared /srv/shared
touch /var/lib/nfs/{etab,rmtab,state}
hostname "$ROLE"
for module in sunrpc grace lockd nfs_acl nfs nfsv4 nfsd; do modprobe -d "$MODULES" $module; done
mount -t rpc_pipefs rpc /var/lib/nfs/rpc_pipefs
ip link set lo up
ip addr add "$ADDRESS/24" dev vec0
ip link set vec0 up

serve() {
    mount -t nfsd nfsd /proc/fs/nfsd
    # A client that was killed keeps what it had open for this long.
    echo 15 >/proc/fs/nfsd/nfsv4leasetime
    echo 15 >/proc/fs/nfsd/nfsv4gracetime
    chmod 777 /srv/shared
    exportfs -o rw,no_root_squash,no_subtree_check,fsid=0,insecure "${ADDRESS%.*}.0/24:/srv/shared"
    rpc.mountd -N 3
    rpc.nfsd -N 3 -V 4.2 4
    touch "$WORK/server.ready"
    while [ ! -e "$WORK/stop" ]; do sleep 1; done
}

# What waits for what, for people who want to know why a host does not finish.
watch() {
    while sleep 20; do
        for process in /proc/[0-9]*/task/*; do
            echo "${process#/proc/} $(cat $process/comm $process/wchan 2>/dev/null | tr '\n' ' ')$(
                tr '\0' ' ' <"${process%/task/*}/environ" 2>/dev/null | grep -o 'XPM_TRIAL=[a-z]*\|XPM_TRIAL_SEED=[0-9]*' | tr '\n' ' ')"
        done >"$WORK/$ROLE.processes"
        tail -n 3 /mnt/shared/*/experiments/x1/current/journal.jsonl >"$WORK/$ROLE.journals"
    done
}

# Runs the program with the variables that WORK/environment sets.
run() {
    mount -t nfs4 -o "vers=4.2,proto=tcp,$MOUNT_OPTIONS" "$SERVER:/" /mnt/shared || return
    set -a
    . "$WORK/environment"
    XPM_TRIAL_HOST=$ROLE XPM_TRIAL_RECORDS=$WORK/records/$ROLE
    set +a
    touch "$WORK/$ROLE.ready"
    watch &
    XPM_TRIAL=host "$PROGRAM"
    touch "$WORK/$ROLE.over"
    [ "$ROLE" = alpha ] || return
    while [ ! -e "$WORK/check" ]; do sleep 1; done
    XPM_TRIAL="check hosts" XPM_TRIAL_RECORDS=$WORK/records XPM_TRIAL_STRUCK=$(cat "$WORK/check") "$PROGRAM" \
        >"$WORK/result" 2>&1
    echo $? >"$WORK/code"
}

if [ "$ROLE" = server ]; then serve; else run; fi
sync
echo o >/proc/sysrq-trigger
sleep 5
