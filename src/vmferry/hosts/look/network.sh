# The host's network: links, addresses, bridges; and the public part of its certificates.

tell_network() {
    section links
    told ip -d -o link show
    section addresses
    told ip -o addr show
    if command -v ovs-vsctl >/dev/null; then
        section ovs
        told ovs-vsctl --timeout=2 list-br
    fi
    tell_certificates
}

# Where libvirt and QEMU look for certificates, unless their configuration says otherwise.
tell_certificates() {
    pki=/etc/pki server='' server_ca='' server_key='' qemu='' data=''
    while read -r name value; do # of several, libvirt takes the first
        case $name in
        ca_file) server_ca=${server_ca:-$value} ;;
        cert_file) server=${server:-$value} ;;
        key_file) server_key=${server_key:-$value} ;;
        default_tls_x509_cert_dir) qemu=${qemu:-$value} ;;
        migrate_tls_x509_cert_dir) data=${data:-$value} ;;
        esac
    done <<EOF
$(places_of_certificates)
EOF
    [ -z "$data" ] && [ -d $pki/libvirt-migrate ] && data=$pki/libvirt-migrate
    data=${data:-${qemu:-$pki/qemu}} ca=$pki/CA/cacert.pem private=$pki/libvirt/private
    section certificates
    printf ' now %s\n' "$(date +%s)"
    tell_certificate libvirt server \
        "${server:-$pki/libvirt/servercert.pem}" "${server_ca:-$ca}" "${server_key:-$private/serverkey.pem}"
    tell_certificate libvirt client $pki/libvirt/clientcert.pem $ca $private/clientkey.pem
    tell_certificate migration server "$data/server-cert.pem" "$data/ca-cert.pem" "$data/server-key.pem"
    tell_certificate migration client "$data/client-cert.pem" "$data/ca-cert.pem" "$data/client-key.pem"
}

# The proxy's file comes first: where daemons are modular, it is the one that listens.
places_of_certificates() {
    names='ca_file\|cert_file\|key_file\|default_tls_x509_cert_dir\|migrate_tls_x509_cert_dir'
    for file in virtproxyd.conf libvirtd.conf qemu.conf; do
        [ -r "/etc/libvirt/$file" ] && set -- "$@" "/etc/libvirt/$file"
    done
    [ $# -gt 0 ] && timeout "$limit_s" sed -n "s/^[ 	]*\($names\)[ 	]*=[ 	]*\"\(\/[^\"]*\)\".*/\1 \2/p" "$@" | head -n 20
}

tell_certificate() { # USE ROLE FILE CA KEY
    look_for "$3"; printf ' file %s %s %s %s\n' "$1" "$2" "$state" "$3"
    look_for "$4"; printf ' ca %s %s\n' "$state" "$4"
    look_for "$5"; printf ' key %s %s\n' "$state" "$5"
    [ -e "$5" ] && stat -L -c ' access %u:%g %a' -- "$5"
    [ -r "$3" ] && public_part cert "$3"
    [ -r "$4" ] && public_part issuer "$4"
}

look_for() { # FILE
    if [ -r "$1" ]; then state=readable
    elif [ -e "$1" ]; then state=unreadable
    elif [ -x "${1%/*}" ] || [ ! -e "${1%/*}" ]; then state=missing
    else state=unreadable
    fi
}

# A key that somebody put into the same file stays where it is.
public_part() { # WORD FILE
    head -c 65536 -- "$2" | sed -n "/-----BEGIN CERTIFICATE/,/-----END CERTIFICATE/s/^/ $1 /p"
}
